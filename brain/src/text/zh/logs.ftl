## Logs, retention, waiting jobs

jobs-most-open = 你已有 { $most } 个任务未结束，同时不能再多了。等一个结束，或取消一些：{ $jobs }
jobs-queue-full = 队列已满：你已有 { $most } 个任务在等 { $node }。用 { $jobs } 查看，取消不再需要的。
jobs-none-waiting = 没有任务在等待节点。
jobs-waiting-head = { $jobs } 个任务在等待节点，按发出的先后：
jobs-waiting-row = … { $number } · { $node } · { $title } · 直到 { $clock }
button-cancel-job = 取消 { $number }
task-behind = 排在 { $node } 上另外 { $others } 个任务之后
outcome-waited = 离线：到 { $clock } 仍未回来
cmd-jobs-arg-waiting = 在等待离线节点的任务
follow-head = ⏬ 任务 { $number } · { $node } · { $how }
follow-begins = 跟踪中
follow-away = 与节点的连接断了；任务仍在那边继续
follow-stopped = 不再跟踪；任务继续执行
follow-time-up = 已跟踪 { $duration }，到了上限；任务继续执行
follow-already = 这里已经在显示任务 { $number } 的输出。要停止：{ $stop }
follow-other = 这里正在显示任务 { $number } 在另一节点上的输出。请先停止：{ $stop }
follow-none = 这里没有在跟踪任务 { $number }。
button-stop-follow = 停止跟踪
button-follow = 继续跟踪
cmd-log-arg-tail = 只要最后若干行
cmd-log-arg-head = 只要最前若干行
cmd-log-arg-follow = 实时显示运行中任务的输出
cmd-log-arg-stop = 停止显示
cmd-logs = 查看节点日志：它最近接到的命令（取自节点自己的记录）
cmd-logs-more = 每条命令都有：时间、任务号、内容、结果，以及节点上保留了多少输出。
cmd-logs-arg-lines = 显示多少条命令（最多 40 条），或节点自身日志的多少行
cmd-logs-arg-grep = 只要包含这段文字的
cmd-logs-arg-node = 改为以文件发来节点程序自身日志的末尾
cmd-logs-arg-name = 节点名
cmd-logs-examples =
    logs web-1 -n 20
    logs web-1 --grep backup
    logs web-1 --node
logs-head = { $node } · 记录中有 { $orders } 条命令 · { $jobs } 个目录中保留了 { $size } 输出
logs-row = { $mark } { $what }
logs-job = 任务 { $number }
logs-open = 进行中
logs-kept = 保留 { $size }
logs-none = 那里还没有接到过命令。
logs-no-match = 没有内容包含 `{ $text }`。
logs-offline = { $node } 离线。它的记录在它自己那里；等它回来后再查。
logs-silence = { $node } 没有答复。请再试一次。
logs-own = { $node } 上的 { $path }：{ $size } 中的最后 { $lines } 行。
logs-own-empty = { $node } 的日志是空的。
logs-own-system = { $node } 的日志写入系统日志。在该服务器上查看：{ $command }
logs-own-none = { $node } 的日志输出到启动它的地方，没有写入文件。在 systemd 下用 `journalctl -u jarvis-node` 查看。
cmd-clearlogs = 删除节点上保留的已结束任务的输出
cmd-clearlogs-more = 仍在运行的、以及本 Jarvis 还没有拿到结果的任务不受影响。随结果一起传回的短输出仍可用 `log` 查看。
cmd-clearlogs-arg-older-than = 只删除更早结束的任务，如 7d
cmd-clearlogs-arg-wait = 节点离线时最多等待多久
cmd-clearlogs-arg-yes = 不再询问
cmd-clearlogs-arg-target = 节点名、tag:web、type:x、a,b，或 * 表示全部
cmd-clearlogs-examples = clearlogs web-1 --older-than 7d
clearlogs-note = 已结束任务的输出会从那里永久删除。
