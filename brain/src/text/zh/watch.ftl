## 订阅、图表、版本差异

cmd-nodes-arg-offline = 只看离线的
nodes-none-offline = 符合条件的节点都在线。

cmd-subscribe = 节点上下线、任务结束或有新笔记时主动通知
cmd-subscribe-more = 在群里只有操作员和所有者可以订阅。只会通知你届时有权看到的内容。短暂离线不通知，反复上下线的节点只通知一次，多个节点同时变化合为一条消息。
cmd-subscribe-arg-tag = 只看带这个标签的节点
cmd-subscribe-arg-node = 只看这个节点
cmd-subscribe-arg-all = 成功结束的任务也通知
cmd-subscribe-arg-room = 发到这个没有人能发命令的群，例如群机器人所在的群；仅限所有者
cmd-subscribe-arg-topic = nodes（节点）、jobs（任务）或 notes（笔记）
cmd-subscribe-arg-notebook = 笔记所在的笔记本，写作 nb:名字
cmd-subscribe-examples =
    订阅 节点
    订阅 任务 --tag web --all
    订阅 笔记 nb:ops
    订阅 任务 --all --room 运维群
cmd-unsubscribe = 不再通知
cmd-unsubscribe-arg-room = 这个没有人能发命令的群的订阅；仅限所有者
cmd-unsubscribe-arg-which = nodes（节点）、jobs（任务）、notes（笔记）或 all（全部）
cmd-unsubscribe-examples = 退订 节点
cmd-subscriptions = 查看这里订阅了什么
cmd-subscriptions-arg-room = 这个没有人能发命令的群的订阅；仅限所有者
cmd-top = 用图表显示节点的负载
cmd-top-more = 根据节点的上报显示 CPU、内存、磁盘和平均负载。离线的节点显示它离线之前的情况。
cmd-top-arg-tag = 只看带这个标签的节点
cmd-top-arg-hours = 最近多少小时，最多 24
cmd-top-arg-target = 哪些节点；不写则为全部
cmd-top-examples =
    负载 web-1
    负载 --tag web --hours 6
cmd-drift = 查看各节点运行的版本
cmd-drift-arg-node-type = 只看这个类型
cmd-drift-examples = 版本差异 -t jarvisnode

value-topic = 不能订阅 `{ $value }`。可以订阅 `nodes`（节点）、`jobs`（任务）和 `notes`（笔记）。

subscribe-nodes = 已在这里订阅：{ $what }。节点离线和恢复时会通知你。
subscribe-jobs = 已在这里订阅：{ $what }。任务失败时会通知你；加上 `--all` 则所有任务结束都通知。
subscribe-jobs-all = 已在这里订阅：{ $what }。每个任务结束时都会通知你。
subscribe-jobs-own = 别人的任务只有所有者能看：会通知你自己在别处发起的任务。
subscribe-no-such-tag = 目前没有节点带标签 `{ $tag }`。
subscribe-too-many = 这里已有 { $most } 个订阅，达到上限。发送 `我的订阅` 查看。
subscribe-elsewhere = 群 { $room }：
subscribe-no-such-room = { $count ->
    [0] 目前没有只能接收消息的群；请在 `{ $room }` 里自行发送 `订阅`。
   *[other] 没有名为 `{ $room }` 的只能接收消息的群。现有：{ $rooms }。其他群请在群里自行发送 `订阅`。
}
subscribe-room-twice = 有多个群名为 `{ $room }`：请在配置里起不同的名字。
unsubscribe-none = 这里没有这类订阅。发送 `我的订阅` 查看。
unsubscribe-done = 已退订：
subscriptions-none = 这里没有任何订阅。
subscriptions-head = 这里的订阅：
subscriptions-row = · { $what }
subscriptions-row-of = · { $what }（{ $who }）
button-unsubscribe = 退订
button-subscribe-nodes = 节点
button-subscribe-jobs = 任务

watch-away = { $mark } { $node } 从 { $clock } 起离线。
watch-away-many = { $mark } { $all } 个节点中有 { $count } 个在 { $clock } 离线：{ $nodes }。
watch-back = { $mark } { $node } 已恢复，离线了 { $span }。
watch-back-many = { $mark } { $count } 个节点已恢复，离线了 { $span }：{ $nodes }。
watch-flapping = { $mark } { $node } 反复上下线：{ $within }内变化 { $changes } 次。稳定之前不再通知。
watch-flapping-many = { $mark } { $count } 个节点反复上下线：{ $nodes }。稳定之前不再通知。
watch-calm-online = { $mark } { $node } 已稳定：在线。
watch-calm-online-many = { $mark } { $count } 个节点已稳定，在线：{ $nodes }。
watch-calm-offline = { $mark } { $node } 已稳定：从 { $clock } 起离线。
watch-calm-offline-many = { $mark } { $count } 个节点已稳定，离线：{ $nodes }。
watch-button-top = 离线前的负载
watch-job-one = { $mark } { $who } 的任务 { $number } · { $node } · { $outcome } · { $command }
watch-job-many = { $mark } { $who } 的任务 { $number } · { $all } 个节点中 { $good } 个成功 · { $command }
watch-button-job = 查看
watch-task-done = 完成
watch-task-failed = 失败
watch-task-cancelled = 已取消
watch-task-refused = 被节点拒绝
watch-task-offline = 节点离线
watch-task-lost = 丢失

top-nothing = { $nodes } 还没有测量数据。节点在线时每隔几秒上报一次。
top-one = { $node } · 最近 { $hours } 小时
top-one-offline = { $node } 已离线 · 最后已知的 { $hours } 小时，截至 { $until }
top-several = { $count } 个节点 · 最近 { $hours } 小时
top-first = 这是 { $all } 个中的前 { $first } 个。指定节点或标签可查看其他节点。
top-values = CPU { $cpu } · 内存 { $memory } · 磁盘 { $disk } · 负载 { $load }
top-values-now = CPU { $cpu } · 内存 { $memory } · 磁盘 { $disk } · 负载 { $load }
top-range = { $now }（{ $least }–{ $most }）
top-unknown = 未知
top-row = { $node } · { $values }
top-row-offline = { $node }（离线）· { $values }

drift-none = 还没有节点报告过版本。
drift-none-of-type = 还没有类型为 { $type } 的节点报告过版本。
drift-same = { $type }：{ $count } 个节点都是 { $version }（核心 { $cores }）
drift-differ = { $type }：{ $count } 个节点上有 { $versions } 个版本（核心 { $cores }）
drift-version = · { $version } × { $count }：{ $nodes }
drift-core = { $core }
drift-core-of = { $core } × { $count }
drift-offline = { $node }（离线）
drift-never = 从未上线：{ $nodes }
drift-more = 另有 { $more } 个类型；用 `版本差异 -t 类型` 查看
drift-button = 把 { $type } 更新到 { $version }

health-away-advice = 对离线的节点：先看服务器和网络是否正常，再在上面执行 `systemctl status jarvis-node`。
health-disk = { $mark } { $node } 的磁盘已用 { $share } %（{ $used } / { $total }）。请清理空间；{ $advice } 可以看到占用情况。
health-disk-more = { $nodes } 的磁盘也快满了。
health-memory = { $mark } { $node } 的内存已用 { $share } %（{ $used } / { $total }）。查看 { $advice }，并停止或限制占用内存的程序。
health-memory-more = { $nodes } 的内存也快满了。
