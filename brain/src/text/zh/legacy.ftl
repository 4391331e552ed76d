## jarviscore 0.7 节点

enroll-next-legacy = 我会连接 { $dial }。请在该节点配置的 `lsttrustnode` 中加入 { $root } 并重启它。
enroll-legacy-off = 这是旧版节点（{ $dial }），但这里没有配置 `[legacy]`：请设置 `legacy.listen` 并重启我。该节点的 `lsttrustnode` 需要加入 { $root }。
node-legacy = 旧版节点（jarviscore 0.7）：没有负载信息，不支持信任指令和回滚；正在传输的文件无法取消。
node-clock-legacy = 它的时钟偏差 { $offset }；偏差达到五分钟时，它和我会互相拒绝消息。请校准时钟（NTP）。
health-clock-legacy = { $mark } { $node }：时钟偏差 { $offset }；偏差达到五分钟时，旧版节点和我会互相拒绝消息。请校准时钟（NTP）。
health-legacy = 旧版网络：没有拒绝任何消息。
health-legacy-refused = 旧版网络：启动以来已拒绝 { $refused } 条消息（不受信任 { $untrusted }，签名错误 { $signature }，时钟错误 { $clock }，编号过旧或发送者未知 { $number }，格式错误 { $malformed }，未曾请求 { $unasked }）。
