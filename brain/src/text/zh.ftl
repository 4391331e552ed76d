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
help-aliases = 别名：{ $aliases }
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
cmd-enroll-arg-name = 节点名
cmd-enroll-arg-address = 节点地址，由 jarvis-node init 显示
cmd-enroll-examples = enroll web-1 1BoatSLRHtKNngkdXEeobR76b53LETtpyT --tag web
cmd-forget = 移除一个节点
cmd-forget-arg-yes = 不再询问
cmd-forget-arg-name = 节点
cmd-whoami = 查看你在这里的身份
cmd-claim = 用服务器控制台上的代码成为所有者
cmd-claim-arg-code = 代码
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
start-known = 你好，{ $name }。你在这里是{ $role }。
start-next = 试试 `节点` 或 `帮助`。
start-stranger = 你好，{ $name }。我还不认识你。
start-claim = 如果这个 Jarvis 是你的，请发送 `/claim 代码`（代码显示在服务器的控制台上）。如果你已经在别处使用它，请在这里发送 `/bind`，再到那边输入代码。
start-bind = 如果你已经在别处使用这个 Jarvis，请在这里发送 `/bind`，再到那边输入代码。否则请让所有者给你分配角色。
lang-now = 我现在和你说{ $language }。
lang-set = 从现在起，我和你说中文。
