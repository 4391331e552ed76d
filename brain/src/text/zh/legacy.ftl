## jarviscore 0.7 节点

enroll-next-legacy = 我会连接 { $dial }。请在该节点配置的 `lsttrustnode` 中加入 { $root } 并重启它。
enroll-legacy-off = 这是旧版节点（{ $dial }），但这里没有配置 `[legacy]`：请设置 `legacy.listen` 并重启我。该节点的 `lsttrustnode` 需要加入 { $root }。
node-legacy = 旧版节点（jarviscore 0.7）：没有负载信息，不支持信任指令和回滚；正在传输的文件无法取消。
health-legacy = 旧版网络：已拒绝 { $refused } 条消息。
