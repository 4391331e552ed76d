## Nodes of jarviscore 0.7

enroll-next-legacy = I dial it at { $dial }. On that node, put { $root } into `lsttrustnode` of its configuration and restart it.
enroll-legacy-off = It is a legacy node ({ $dial }), and `[legacy]` is not configured here: set `legacy.listen` and restart me. Its `lsttrustnode` needs { $root }.
node-legacy = Legacy node (jarviscore 0.7): no load, no trust orders, no roll back; files in transfer cannot be cancelled.
health-legacy = Legacy network: { $refused } messages refused.
