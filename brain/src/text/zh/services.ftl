## Docker and services of a node

trust-given = 从现在起听从 { $address }
trust-was-given = 本来就听从 { $address }
trust-taken = 不再听从 { $address }
trust-was-taken = 本来就不听从 { $address }
logs-cleared = 已删除 { $jobs } 个任务的输出 · { $size }
logs-cleared-none = 没有可删除的输出
service-answered = 已答复
service-not-started = 无法启动：节点配置里的条目有误，或程序不存在
service-not-json = 答复不是 JSON
service-too-much = 已停止：输出超过上限
service-unknown = { $node } 没有服务 { $service }。查看 `services { $node }`。
service-answer-file = 答复有 { $size }，以文件形式发送。
docker-none = 没有容器
docker-containers = { $count } 个容器
docker-more = 只显示前 { $shown } 个。
docker-started = 已启动
docker-ran-already = 本来就在运行
docker-stopped = 已停止
docker-stood-already = 本来就没有运行
docker-restarted = 已重启
docker-not-allowed = 那里不允许使用 Docker：配置里需要带 `socket` 的 `[docker]`
docker-unreachable = Docker 套接字无人应答
docker-no-container = 没有容器 { $container }
docker-engine-error = Docker 返回错误 { $status }：{ $message }
docker-timed-out = Docker 没有及时答复
docker-bad-answer = 无法读懂 Docker 的答复
cmd-call = 调用节点的服务
cmd-call-more = 服务由节点在自己的配置里声明，见 `服务`。选项写在输入之前；输入可以是原样的 JSON，也可以是 键=值。
cmd-call-arg-timeout = 比服务自身更短的时限
cmd-call-arg-wait = 节点离线时最多等待多久
cmd-call-arg-yes = 不再询问
cmd-call-arg-target = 节点名、tag:web、type:x、a,b，或 * 表示全部
cmd-call-arg-service = 服务名
cmd-call-arg-input = 传给服务的内容
cmd-call-examples =
    调用 web-1 disk path=/srv
    调用 tag:web report day=2026-05-01
cmd-services = 查看节点提供的服务
cmd-services-arg-node = 只看这个节点，并显示详情
cmd-services-examples = 服务 web-1
cmd-docker = 查看和重启节点上的容器
cmd-docker-more = 仅限配置允许的节点：`[docker]` 里写明 `socket`。
cmd-docker-arg-all = ps：包括没有运行的容器
cmd-docker-arg-tail = logs：只取最后这么多行
cmd-docker-arg-wait = 节点离线时最多等待多久
cmd-docker-arg-yes = 不再询问
cmd-docker-arg-target = 节点名、tag:web、type:x、a,b，或 * 表示全部
cmd-docker-arg-action = 要做什么；停止和重启会先询问
cmd-docker-arg-container = 容器的名称或编号
cmd-docker-examples =
    容器 web-1 ps -a
    容器 web-1 日志 nginx --tail 50
    容器 web-1 重启 nginx
value-docker = 我不会让 Docker 做 `{ $value }`。可用：ps、logs（日志）、restart（重启）、stop（停止）、start（启动）。
call-json = 这不是 JSON：第 { $line } 行第 { $column } 个字符有误。也可以写成 键=值。
call-pair = `{ $word }` 不是 键=值。请写成 键=值，或以花括号开头的 JSON。
call-twice = `{ $key }` 写了两次。
call-quote = 有一个引号没有闭合，请补上。
call-too-large = JSON 有 { $size }，服务最多接受 { $limit }。
call-meant = 你是想用 { $service } 吗？
button-services = 服务列表
services-row = { $node }：{ $services }
services-none = { $node } 没有提供服务。服务在它的配置里用 `[[service]]` 声明。
services-none-anywhere = 没有节点提供服务。服务在节点的配置里用 `[[service]]` 声明。
services-head = { $node } · { $count } 个服务
services-one = { $service } · 最长 { $limit }
services-about = { $service } · { $about }
services-danger = { $service } · 会先询问
services-offline = { $node } 离线；以上是它最后报告的内容。
docker-log = { $lines } 行
docker-which = 哪个容器？{ $example } · 列表：{ $list }
docker-name = 容器不会叫 `{ $name }`。名称由字母、数字、`_`、`.` 和 `-` 组成。
