-- Peers of the legacy network: the message numbers between them and us must outlive the process.
CREATE TABLE legacy_peer (
    address TEXT  NOT NULL PRIMARY KEY,
    record  BYTEA NOT NULL -- encoded PeerRecord
);
