## Docker and services of a node

