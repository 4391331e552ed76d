## Subscriptions, pictures, version differences

