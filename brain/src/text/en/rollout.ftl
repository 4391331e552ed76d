## Rolling out updates

