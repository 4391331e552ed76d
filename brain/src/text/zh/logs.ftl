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
