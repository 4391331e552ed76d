## Joining, trust and keys

