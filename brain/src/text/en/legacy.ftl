## Nodes of jarviscore 0.7

enroll-next-legacy = I dial it at { $dial }. On that node, put { $root } into `lsttrustnode` of its configuration and restart it.
enroll-legacy-off = It is a legacy node ({ $dial }), and `[legacy]` is not configured here: set `legacy.listen` and restart me. Its `lsttrustnode` needs { $root }.
node-legacy = Legacy node (jarviscore 0.7): no load, no trust orders, no roll back; files in transfer cannot be cancelled.
node-clock-legacy = Its clock is off by { $offset }, and from five minutes on it and I refuse each other's messages. Set the clocks right (NTP).
health-clock-legacy = { $mark } { $node }: its clock is off by { $offset }, and from five minutes on a legacy node and I refuse each other's messages. Set the clocks right (NTP).
health-legacy = Legacy network: nothing refused.
health-legacy-refused = Legacy network: { $refused } messages refused since my start ({ $untrusted } not trusted, { $signature } bad signature, { $clock } wrong clock, { $number } old number or unknown sender, { $malformed } malformed, { $unasked } not asked for).
