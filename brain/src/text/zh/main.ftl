# 简体中文。`…` 是代码，**…** 是粗体。顺序与 en.ftl 相同。

## 数字、时间、列表

unit-millisecond = { $number } 毫秒
unit-second = { $number } 秒
unit-minute = { $number } 分
unit-hour = { $number } 小时
unit-day = { $number } 天
time-just-now = 刚刚
time-ago = { $duration }前
time-today = 今天 { $clock }
time-yesterday = 昨天 { $clock }
time-date = { $month }月{ $day }日
time-date-year = { $year }年{ $month }月{ $day }日
list-separator = 、
list-more = {" "}等，另有 { $more } 个

## 角色与规则

role-guest = 访客
role-member = 成员
role-operator = 操作员
role-operator-tags = 操作员（限 { $tags }）
role-owner = 所有者
rule-everyone = 对所有人开放。
rule-member = 成员及以上可以执行。
rule-operator = 操作员可以执行。
rule-operator-tags = 限定了标签的操作员，只能在带有这些标签的节点上执行。
rule-own = 自己的可以操作，别人的只有所有者可以。
rule-owner = 所有者可以做任何事，有些事只有所有者可以做。
rule-place = 有些命令只能私聊使用，有些只能在群里使用。
reason-outside-tags = `{ $node }` 没有这些标签。
reason-job = 那是别人的任务。
refused-stranger = 我还不认识你。发送 /start 了解如何开始。
refused-role = 这需要「{ $needed }」角色，而你是「{ $role }」。请联系所有者，或查看 { $why }。
refused-tags = 你是{ $subject }，`{ $node }` 不在范围内。请联系所有者，或查看 { $why }。
refused-job = 那是别人的任务，只有本人和所有者可以操作。
refused-person = 这涉及别人，只有所有者可以操作。
refused-private-only = 这个命令只能私聊使用：在这里别人也看得到。
refused-group-only = 这个命令只能在群里使用。
why-allowed = 可以：{ $name }（{ $role }）可以执行 { $command }。
why-refused = 不可以：{ $name }（{ $role }）不能执行 { $command }。
why-rule = 依据规则 `{ $rule }`：{ $explanation }

## 识别和解析命令

unknown = 我不认识 `{ $word }`。发送 `帮助` 看看我能做什么。
unknown-near = 我不认识 `{ $word }`。你是想说 { $meant } 吗？
button-run-it = 执行
problem-open-quote = 第 { $position } 个字符处的引号 { $quote } 没有闭合。请补上另一半；如果它只是普通字符，请在前面加 \。
problem-flag = `{ $command }` 没有 `{ $flag }` 这个选项。
problem-flag-near = `{ $command }` 没有 `{ $flag }` 这个选项。你是想说 `{ $near }` 吗？
problem-too-much = `{ $command }` 不需要 `{ $word }`。含空格的内容请加引号。
problem-missing = `{ $command }` 缺少 { $names }。
problem-no-value = `{ $flag }` 后面需要一个值。
problem-needless-value = `{ $flag }` 后面不需要值。
problem-conflict = `{ $flag }` 不能与其他选项同时使用，或者重复了。
problem-value = { $problem }（`{ $argument }`）
problem-other = 我看不懂 `{ $command }` 的参数。
problem-usage = 用法：{ $usage } · 详情：{ $help }
value-time = `{ $value }` 不是时长。可以写 90s、10m 或 1h30m。
value-number = `{ $value }` 不是正整数。
value-job = `{ $value }` 不是任务编号。发送 `任务` 查看。
value-pair = `{ $value }` 不是 名称=值 的形式。
value-language = 我不会说 `{ $value }`。我会说 en（English）和 zh（中文）。
value-role = `{ $value }` 不是角色。角色有 guest（访客）、member（成员）、operator（操作员）和 owner（所有者）。
value-name = `{ $value }` 不能用作名称。名称由字母、数字、`-`、`_` 和 `.` 组成，最多 63 个字符。
value-place = 看不出 `{ $value }` 是哪个文件：请写成 节点:路径，例如 web-1:/var/log/syslog。路径含空格时请加引号。
value-which = `{ $value }` 既不是 failed（失败的）也不是 all（全部）。
target-empty = 请指明节点：节点名、`tag:标签`、`type:类型`，多个用逗号隔开，`*` 表示全部。
target-malformed = `{ $part }` 不能作为目标。请写节点名、`tag:标签`、`type:类型`，多个用逗号隔开，`*` 表示全部。
node-unknown = 没有名为 `{ $node }` 的节点。已有：{ $nodes }。详见 `节点`。
node-unknown-near = 没有名为 `{ $node }` 的节点。你是想说 `{ $near }` 吗？
tag-unknown = 没有节点带标签 `{ $tag }`。已有标签：{ $tags }。
tag-unknown-none = 没有节点带标签 `{ $tag }`，所有节点都还没有标签。
type-unknown = 没有类型为 `{ $type }` 的节点。已有类型：{ $types }。
nodes-none = 还没有节点。请在服务器上运行 `jarvis-node init`，再在这里发送 `enroll 名称 地址`。

## 帮助

help-title = 我能为你做这些：
help-family = **{ $title }**
help-command = { $name } – { $about }
help-more = 查看某个命令：`帮助 run`。私聊时不需要加斜杠。
help-usage = 用法：{ $usage }
help-argument = { $argument } – { $about }
help-examples = 示例：
help-aliases = 别名：{ $aliases }。
help-needs-nothing = 所有人可用。
help-needs-member = 成员可用。
help-needs-operator = 操作员可用，限其标签内的节点。
help-needs-owner = 所有者可用。
help-private-only = 仅限私聊。
help-group-only = 仅限群聊。
help-confirm-several = 涉及多个节点时会先确认；加 --yes 则不再询问。
help-confirm-always = 执行前会先确认。
family-general = 入门
family-jobs = 任务
family-files = 文件
family-nodes = 节点
family-people = 用户
family-system = 系统

cmd-start = 打个招呼，看看如何开始
cmd-start-arg-code = 启动链接携带的代码
cmd-help = 列出所有命令，或查看某个命令
cmd-help-arg-command = 要查看的命令
cmd-help-examples =
    帮助
    帮助 run
cmd-version = 查看当前版本
cmd-ping = 马上回答一声，看看能不能联系上
cmd-ping-arg-word = 我会原样带回来的词
cmd-lang = 选择我和你说话的语言
cmd-lang-arg-language = en 或 zh；不写则显示当前语言
cmd-lang-examples = lang en
cmd-yes = 确认我的询问
cmd-yes-arg-code = 有多个询问时，指明是哪一个
cmd-no = 拒绝我的询问
cmd-no-arg-code = 有多个询问时，指明是哪一个
cmd-run = 在节点上执行 shell 命令
cmd-run-more = 选项写在命令之前。从命令开始的全部内容（包括后面的行）都会原样交给 shell。发送脚本文件并附上说明 节点名 或 run 目标，也会执行。
cmd-run-arg-timeout = 超过这个时长就停止，例如 90s 或 10m
cmd-run-arg-cwd = 工作目录
cmd-run-arg-env = 环境变量
cmd-run-arg-files = 把匹配的文件发回来，例如 'out/*.csv'
cmd-run-arg-wait = 节点离线时最多等待多久
cmd-run-arg-stdin = 命令从标准输入读到的内容
cmd-run-arg-yes = 不再询问
cmd-run-arg-target = 节点名、tag:web、type:x、a,b，或 * 表示全部
cmd-run-arg-command = shell 命令
cmd-run-examples =
    运行 web-1 uptime
    run tag:web df -h / | tail -1
    run --timeout 10m --files 'dist/*.tar.gz' web-1 make dist
cmd-jobs = 列出最近的任务
cmd-jobs-arg-number = 数量，默认 10
cmd-jobs-arg-all = 所有人的任务（所有者可用）
cmd-jobs-arg-node = 只看这个节点上的
cmd-job = 查看一个任务
cmd-job-arg-job = 任务编号
cmd-job-examples = 状态 42
cmd-log = 查看任务保存的输出
cmd-log-more = 不会重新执行任务。
cmd-log-arg-grep = 只看包含这段文字的行
cmd-log-arg-err = 看标准错误，而不是标准输出
cmd-log-arg-node = 任务在多个节点上执行时，看这个节点的
cmd-log-arg-file = 完整内容，以文件发送
cmd-log-arg-job = 任务编号
cmd-log-examples =
    日志 42
    log 42 --grep error --node web-1
cmd-cancel = 在所有节点上停止一个任务
cmd-cancel-arg-job = 任务编号；不写则停止你唯一正在运行的任务
cmd-cancel-examples = 取消 42
cmd-retry = 在失败的节点上重新执行任务
cmd-retry-arg-yes = 不再询问
cmd-retry-arg-wait = 节点离线时最多等待多久
cmd-retry-arg-job = 任务编号
cmd-retry-arg-which = failed（失败的，默认）或 all（全部）
cmd-retry-examples = 重试 43 失败
cmd-again = 再执行一次，作为新任务
cmd-again-arg-on = 改在这些节点上执行
cmd-again-arg-wait = 节点离线时最多等待多久
cmd-again-arg-yes = 不再询问
cmd-again-arg-job = 任务编号；不写则是你最近的一个
cmd-again-examples = again 42 --on tag:web
cmd-get = 从节点取回文件
cmd-get-arg-place = 文件；节点和路径也可以分成两个词
cmd-get-arg-node = 节点（与路径分开写时）
cmd-get-arg-file = 路径（与节点分开写时）
cmd-get-arg-tail = 只取最后这么多行
cmd-get-arg-head = 只取最前这么多行
cmd-get-arg-gzip = 压缩后发送
cmd-get-examples =
    下载 web-1:/var/log/nginx/error.log --tail 1000
    get "web-1:/srv/my file.txt"
    requestfile -n web-1 -f /var/log/syslog
cmd-put = 把附带的文件放到节点上
cmd-put-more = 文件说明只写 节点:路径 也可以。路径以 / 结尾时保留原文件名。
cmd-put-arg-wait = 节点离线时最多等待多久
cmd-put-arg-yes = 不再询问
cmd-put-arg-place = 放到哪里
cmd-put-examples = 上传 tag:web:/srv/app/
cmd-nodes = 列出节点
cmd-nodes-arg-node-type = 只看这个类型
cmd-nodes-arg-tag = 只看这个标签
cmd-nodes-arg-number = 最多列出多少个
cmd-nodes-examples = 节点 --tag web
cmd-node = 查看一个节点的详情
cmd-node-arg-name = 节点
cmd-node-examples = node web-1
cmd-mystate = 查看这个 Jarvis 自己的公钥、地址和状态
cmd-enroll = 登记一个节点
cmd-enroll-more = 在服务器上运行 `jarvis-node init`，它会显示节点地址，以及要写进节点信任列表的内容。
cmd-enroll-arg-tag = 给节点的标签
cmd-enroll-arg-dial = 由 Jarvis 主动连接这个地址；不写则由节点来连接
cmd-enroll-arg-legacy = jarviscore 0.7 节点（jarvissh）的监听地址
cmd-enroll-arg-name = 节点名
cmd-enroll-arg-address = 节点地址，由 jarvis-node init 显示
cmd-enroll-examples = enroll web-1 1BoatSLRHtKNngkdXEeobR76b53LETtpyT --tag web
cmd-forget = 移除一个节点
cmd-forget-arg-yes = 不再询问
cmd-forget-arg-name = 节点
cmd-whoami = 查看你在这里的身份
cmd-claim = 用服务器控制台上的代码成为所有者
cmd-claim-arg-code = 认领码；所有者不带它可得到一个新的
cmd-claim-examples = 认领 7QK4-MZ2P
cmd-bind = 在这个聊天应用里也使用你的账号
cmd-bind-more = 在新应用里发送 绑定，会得到一个代码；再到已登录的应用里发送 绑定 代码。
cmd-bind-arg-code = 另一个应用里显示的代码
cmd-bind-examples =
    绑定
    绑定 4821-KD
cmd-unbind = 把聊天应用从你的账号中解绑
cmd-unbind-arg-yes = 不再询问
cmd-unbind-arg-platforms = 哪些应用；不写则是当前这个
cmd-users = 列出用户
cmd-users-arg-number = 最多列出多少个
cmd-user = 查看一个用户的详情
cmd-user-arg-name = 按名字查找（名字像数字时使用）
cmd-user-arg-user = 编号、名字或 @用户名
cmd-user-examples =
    user 3
    user -n 小明
cmd-role = 设置某人的权限
cmd-role-arg-tag = 只限带这个标签的节点（用于操作员）
cmd-role-arg-user = 编号、名字或 @用户名
cmd-role-arg-role = guest（访客）、member（成员）、operator（操作员）或 owner（所有者）
cmd-role-examples = 授权 小明 操作员 --tag web
cmd-why = 说明某人能否执行某个命令，以及依据哪条规则
cmd-why-arg-line = 命令，前面可以写某人的名字
cmd-why-examples =
    为什么 run db-1 reboot
    why 小明 run db-1 reboot
cmd-health = 检查一切是否正常
cmd-audit = 查看谁做了什么
cmd-audit-arg-number = 多少行
cmd-audit-arg-user = 只看这个人的
cmd-audit-arg-job = 只看这个任务的

## 初次见面

version = Jarvis { $version }
pong = pong
pong-word = pong { $word }
start-known = 你好，{ $name }。你在这里是{ $role }。
start-next = 试试 `节点` 或 `帮助`。
start-stranger = 你好，{ $name }。我还不认识你。
start-claim = 如果这个 Jarvis 是你的，请发送 `/claim 代码`（代码显示在服务器的控制台上）。如果你已经在别处使用它，请在这里发送 `/bind`，再到那边输入代码。
start-bind = 如果你已经在别处使用这个 Jarvis，请在这里发送 `/bind`，再到那边输入代码。否则请让所有者给你分配角色。
lang-now = 我现在和你说{ $language }。
lang-set = 从现在起，我和你说中文。
greeting-owner = 你是这里的所有者。试试：  `run local uname -a`   `帮助`   按 Ctrl-D 退出。
greeting-ready = Jarvis { $version } · 已就绪 · { $nodes } 个节点
greeting-local = Jarvis { $version } · 已就绪 · 节点 { $node }（{ $address }）· 数据目录 { $data }

## 认领与绑定

claim-done = 欢迎你，所有者。这个 { $platform } 账号现在归你使用。接下来：/nodes · /help · 添加服务器：/join
claim-wrong = 代码不对，还可以再试 { $left } 次。代码显示在服务器的控制台上。
claim-none = 无需认领：这个 Jarvis 已有所有者。请让所有者给你分配角色，或发送 /bind 在这里使用你自己的账号。
bind-code = 请在 { $duration }内，到你已登录的应用里发送：  `/bind { $code }`
bind-code-group = 请在 { $duration }内，到你已登录的应用里发送：  `/bind { $code }`  这里别人也看得到，所以那边会再给你一个代码，请私聊发给我。
bind-asks = { $platform } 账号“{ $name }”（{ $person }）请求成为你。它将拥有与你相同的权限：{ $role }。
bind-second = 请用发起请求的 { $platform } 账号私聊发送：  `/bind { $code }`  （{ $duration }内有效）
bind-done = 完成：{ $platform } 账号“{ $name }”现在就是你了。发送 `我是谁` 查看。
bind-done-there = 完成：这个 { $platform } 账号现在属于 { $name }（{ $role }）。发送 `我是谁` 查看。
bind-wrong = 代码不对，还可以再试 { $left } 次。在新应用里发送 /bind 可以获取新代码。
bind-locked = 错误次数太多，请 { $duration }后再试。
bind-expired = 代码已过期。在新应用里发送 /bind 可以获取新代码。
bind-same = 这两个本来就是你的同一个账号。
unbind-ask = 要把 { $identities } 从你的账号中解绑吗？它会恢复到绑定之前的状态。
unbind-done = 完成：{ $identities } 不再属于你的账号。
unbind-last = 这是该账号唯一的聊天应用，解绑后就没人能使用它了。请先绑定另一个。
unbind-none = 无需解绑：这个聊天应用没有绑定过其他账号。

## 用户

whoami-head = { $name } · 用户 { $number } · { $role }
whoami-identity = { $platform }：{ $name }（{ $person }）
whoami-here = （当前）
users-head = 共 { $count } 人
users-row = { $number } · { $name } · { $role } · { $identities }
user-unknown = 没有叫 `{ $user }` 的用户。发送 `用户` 查看。
user-several = 有多个用户叫 `{ $user }`：{ $users }。请用编号指明。
user-since = { $since } 加入
role-done = { $name } 现在是{ $role }。
role-same = { $name } 本来就是{ $role }。
role-last-owner = { $name } 是唯一的所有者。请先把别人设为所有者。

## 节点

nodes-head = 共 { $count } 个节点 · { $online } 个在线
nodes-row-load = 负载 { $load }
nodes-row-jobs = { $jobs } 个任务
nodes-row-offline = { $since } 起离线
nodes-row-never = 从未上线
nodes-none-match = 没有符合条件的节点。发送 `节点` 查看全部。
nodes-more = 另有 { $more } 个 · `nodes -n { $all }`
node-online = { $node } · { $since } 起在线
node-offline = { $node } · { $since } 起离线
node-never = { $node } · 从未上线。请在那台服务器上运行 `jarvis-node run`。
node-address = 地址 { $address }
node-tags = 标签 { $tags }
node-type = { $type } { $version } · jarvis-node { $core }
node-system = { $os } { $kernel } · { $arch } · { $cpus } 个 CPU
node-load = 负载 { $load } · CPU { $cpu } %
node-memory = 内存 { $used } / { $total }
node-disk = 磁盘 { $used } / { $total }
node-container = 运行在容器中（{ $container }）
node-jobs = 正在运行：{ $jobs }
node-no-jobs = 没有正在运行的任务
mystate-head = Jarvis { $version } · 地址 { $address }
mystate-nodes = { $nodes } 个节点，{ $online } 个在线 · { $since } 启动
enroll-done = 已登记 { $node }（{ $address }）。
enroll-next-in = 请在那台服务器上把以下内容写进节点配置并启动：root { $root }，地址 { $dial }。
enroll-next-out = 我会连接 { $dial }。它需要信任我的地址 { $root }。
forget-ask = 要移除 { $node } 吗？之后这里将无法访问它，已保存的结果会保留。
forget-done = 已移除 { $node }。如需恢复：{ $enroll }

## 任务

progress-quiet = { $elapsed } · 还没有输出
progress-lines = { $elapsed } · { $lines } 行
progress-bytes = { $elapsed } · { $done } / { $total }
task-waiting = 等待节点上线，直到 { $clock }
task-sent = 已发送
outcome-exit = 退出码 { $code }
outcome-signal = 被信号 { $signal } 终止
outcome-signal-named = 被 { $name } 终止
outcome-timeout = 超时停止
outcome-cancelled = 已取消
outcome-not-started = 无法启动：{ $detail }
outcome-offline = 离线
outcome-lost = 已丢失：运行期间节点重启了
outcome-unknown = 节点已没有这个任务的记录
outcome-done = 完成
output-binary = （二进制输出，{ $size }）
button-cancel = 取消
button-log-file = 日志文件
button-again = 再次执行
button-retry-failed = 重试失败的
button-wait = 等它上线后执行
button-yes = 是
button-no = 否
button-bind-yes = 是，那是我
button-gzip = 压缩后发送
button-tail = 最后 { $lines } 行
jobs-head = 最近的任务
jobs-none = 还没有任务。试试 `run { $node } uptime`。
jobs-none-match = 没有符合条件的任务。
jobs-row = { $mark } { $number } · { $target } · { $title } · { $outcome } · { $when }
job-unknown = 没有任务 { $number }。发送 `任务` 查看。
job-no-command = 要在 { $target } 上执行什么？请写在目标后面：`run { $target } uptime`，或发送脚本文件并以此作为说明。
cancel-none = 你现在没有正在运行的任务。
cancel-several = 你有多个任务正在运行：{ $jobs }。请指明：`cancel 编号`。
cancel-ended = 任务 { $number } 已经结束。
cancel-sent = 正在停止任务 { $number }：对它启动的所有进程先 TERM，再 KILL。
retry-nothing = 任务 { $number } 没有失败的节点。`retry { $number } all` 可在所有节点上重新执行。
retry-running = 任务 { $number } 还在运行。请等待，或先取消它。
again-none = 你还没有执行过任务。
log-empty = 任务 { $number } 没有任何输出。
log-empty-stream = 任务 { $number } 在这一路没有输出。看另一路：{ $other }
log-no-match = 任务 { $number } 的输出中没有包含 `{ $text }` 的行。
log-which-node = 任务 { $number } 在多个节点上执行过：{ $nodes }。请指明：`log { $number } --node 节点`。
log-head = 任务 { $number } · { $node } · { $lines } 行 · { $size }
log-matches = { $matches } 行包含 `{ $text }`
log-gone = { $node } 上已不再保留任务 { $number } 的输出。

## 确认

confirm-run = 要在 { $nodes } 个节点上执行吗？
confirm-nodes = 节点：{ $nodes }
confirm-offline = 目前离线：{ $nodes }
confirm-waits = 等待 { $duration }。请回答 { $yes } 或 { $no }。
confirm-declined = 好的，什么都没做。
confirm-expired = 这个询问已过期，什么都没做。请重新发送命令。
confirm-none = 我在这里没有问你什么。
confirm-wrong = 没有代码为 `{ $code }` 的询问。
confirm-not-yours = 只有被询问的人可以回答。
press-gone = 这个按钮已失效，请重新发送命令。

## 文件

get-too-large = { $size } 超过了这个聊天的上限（{ $limit }）。
put-no-file = 请附上文件：发送文件，并以 `{ $place }` 作为说明。
put-one-file = 请一次只发送一个文件。
attachment-failed = 没能从聊天中取到文件：{ $detail }。请重新发送。
attachment-too-large = { $size } 超过了我能从这个聊天取得的上限（{ $limit }）。请用别的方式传到服务器，或拆分后再发。
attachment-unneeded = 我不知道该拿 { $file } 怎么办。要放到节点上，请以 `节点:/路径` 作为说明；要执行脚本，请以 `节点` 作为说明。
files-unsupported = 这个聊天无法显示文件。它在 { $node } 上：{ $path }
script-empty = { $file } 是空的。
script-not-text = { $file } 不是脚本：它是二进制数据。

## 节点的拒绝与故障

refused-untrusted-root = { $node } 不信任这个 Jarvis。请把 { $root } 加入它的信任列表。
refused-bad-signature = { $node } 发现指令签名不对，因此没有执行。如果一直这样，请重新登记该节点。
refused-wrong-node = { $node } 表示指令是给别的节点的。请用它自己的地址重新登记。
refused-expired = { $node } 收到指令时已过期，因此没有执行。请重新发送。
refused-replayed = { $node } 已见过同一编号的另一条指令，因此拒绝了这一条。请重新发送。
refused-malformed = { $node } 看不懂这条指令，它的版本可能太旧：`node { $node }`。
refused-path = { $path } 不在 { $node } 允许的范围内。允许的目录写在它的配置里。
refused-not-found = { $node } 上没有 { $path }。
refused-directory = { $node } 上的 { $path } 是目录。请指明其中的文件。
refused-too-large = { $node } 上的 { $path } 有 { $size }，太大了。
refused-node-busy = { $node } 正在运行的任务已达上限。请等有任务结束后再试。
refused-disk-full = { $node } 的磁盘已满。请清理空间后再试。
refused-not-supported = { $node } 不支持这个操作，它的版本可能太旧：`node { $node }`。
refused-permission = { $node } 无权读写 { $path }：运行它的用户权限不足。
refused-io = { $node } 读写 { $path } 失败：{ $detail }
refused-other = { $node } 拒绝了：{ $detail }

## 无法继续的适配器

adapter-stopped = { $mark } 适配器 { $adapter } 已停止，那边的消息到不了我这里；其余一切照常。原因：{ $reason }
adapter-stopped-taken-over = 另一个程序登录了这个机器人，而它同一时间只能有一个主人，我不会去抢。请停掉那个程序，或为它另建一个机器人，然后重新启动 Jarvis。
adapter-stopped-credentials = 平台拒绝了机器人的令牌或密钥。请在配置中改正，然后重新启动 Jarvis。
adapter-stopped-setting = 有一项设置无法使用。请在配置中改正，然后重新启动 Jarvis。
adapter-stopped-in-use = 那台机器上已有另一个进程在使用这个机器人。请停掉其中一个。
adapter-stopped-other = 它自己无法继续。请排除原因，然后重新启动 Jarvis。
adapter-stopped-detail = { $words }（{ $detail }）

## 健康与审计

health-brain = Brain { $version } · 已运行 { $uptime } · 内存 { $memory }
health-store = 数据库 { $kind } · 响应 { $latency }
health-outbox = { $waiting } 条消息等待发送
health-outbox-empty = 没有等待发送的消息
health-adapter = { $mark } { $kind } { $bot } · { $state }
health-adapter-on = { $since } 起已连接
health-adapter-stopped = { $mark } { $adapter } · { $since } 停止：{ $reason }
health-adapters-none = 没有聊天适配器连接
health-nodes = 节点：{ $online }/{ $nodes } 在线
health-nodes-off = 离线：{ $nodes }
audit-none = 没有符合条件的记录。
audit-row = { $when } · { $who } · { $what } { $detail } · { $result }
audit-brain = Jarvis

## 出错时

error-internal = 这里出了点问题，已记入日志，编号 `{ $trace }`。请重试；如果一直这样，请把编号告诉所有者。
error-store = 我现在连不上数据库，什么都没做，请过一分钟再试。（`{ $trace }`）
error-busy = 我现在太忙了，什么都没做，请 { $duration }后再试。
error-rate = 请慢一点，{ $duration }后再试。
error-too-old = 那条消息是 { $when } 发的，所以我没有执行。如果仍然需要，请重新发送。
error-too-long = 这段文字有 { $size }，我最多接受 { $limit }。请以文件发送。

## 任务状态消息

status-one = { $mark } 任务 { $number } · { $node } · { $what }
status-many = { $mark } 任务 { $number } · { $nodes } 个节点中 { $good } 个成功 · { $duration } · { $title }
status-row = { $mark } { $node }  { $what }
status-more-rows = … 还有 { $more } 个
status-took = { $outcome } · { $took }
status-outcome-of = { $outcome } · { $command }
status-outcome-last = { $outcome } · { $last }
status-last-lines = 共 { $all } 行，以下是最后 { $shown } 行：
status-away = 与节点的连接已断开 { $since }；任务在那边继续运行
status-file-note = ⚠ { $note }
status-file-stays = { $path } 仍留在节点上：{ $why }
status-get-done = { $size } · BLAKE3 { $hash }
status-put-done = → { $path } · { $size } · BLAKE3 { $hash }
status-put-there = → { $path } · { $size } · 原来就有，无需传输
advice-offline = { $node } 最后一次在线是{ $since }。加上 `--wait 10m` 可以等它回来。
advice-never-seen = { $node } 还没有连接过。请在那台服务器上运行 `jarvis-node run`；用 `health` 可以看到谁来敲过门。
advice-lost = 它在 { $node } 上启动的进程都已停止。如果还需要，请再运行一次。
claim-code = 请在 { $duration }内到您的另一个聊天应用里发送 `/claim { $code }`。
bind-start-in-private = 请在私聊里开始：到私聊发送 /bind，不要在群里发。
bind-asked-holder = 请到生成绑定码的 { $platform } 里确认。
enroll-malformed = 不行：{ $detail }。地址由 `jarvis-node init` 打印，以 1 开头。
enroll-taken = `{ $what }` 已属于另一个节点。请换个名字，或先用 `forget` 移除那个节点。
file-where = { $name }（{ $size }）要放到哪里？发送 NODE:/path 存到那里，发送 NODE 运行它（脚本），或者 cancel 取消。十分钟内有效。
file-no-script = { $name } 不是脚本，没有运行。要存到节点上，请写明位置：{ $target }:/path
script-too-large = { $name } 超过了脚本的大小上限（{ $limit }）。请先把它存到节点上，再在那里运行。
log-node-offline = 完整输出在 { $node } 上，而它现在离线。等它回来再试；`job` 可以看到最后几行。
log-too-large = 输出有 { $size }，超过这个聊天应用的上限（{ $limit }）。可以用 { $advice } 查找。
run-arguments-quotes = 目标后面有一个引号没有闭合，请补上。
node-forgotten = 这里已经没有 `{ $node }` 这个节点。用 `again NUMBER --on NODE` 可以在别处运行。
node-clock = 它的时钟偏差 { $offset }。指令仍然有效，但它日志里的时间不准。
mystate-work = 进行中：{ $running } 个任务，{ $orders } 条指令，{ $messages } 条未发送消息
mystate-listen = 节点连接地址：{ $address }
health-running = 任务：{ $running } 个运行中
health-clock = { $node } 的时钟偏差 { $offset }。
health-stranger = { $address } 从 { $peer } 来敲过门（{ $when }），还没有登记。如果是您的节点：`enroll NAME` 加上这个地址。
put-no-folder = { $node } 上没有 { $path } 所在的目录。请先创建：run { $node } mkdir -p …
away = 我在 { $from } 到 { $to } 期间不在线；任务在此期间照常运行。
output-truncated = 保存的输出中间部分被截断了。
