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
