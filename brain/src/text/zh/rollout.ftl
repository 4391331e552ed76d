## Rolling out updates

cmd-updnodes = 分批更新某一类节点
cmd-updnodes-more = 由节点自己的 update_script 执行更新，可以附带安装包。节点带着新版本重新上线才算更新成功。先更新一个（金丝雀），再分批进行；失败过多就停止。
cmd-updnodes-arg-node-type = 这一类型的节点
cmd-updnodes-arg-version = 要更新到的版本
cmd-updnodes-arg-restart = 只重启
cmd-updnodes-arg-tag = 只更新带这个标签的
cmd-updnodes-arg-node = 只更新这一个
cmd-updnodes-arg-batch = 每批数量，或比例如 20%；默认 20%
cmd-updnodes-arg-max-fail = 失败这么多个就停止，或比例如 10%；默认 1
cmd-updnodes-arg-canary = 先单独更新几个；默认 1，0 表示不用
cmd-updnodes-arg-timeout = 节点最多多久要重新上线；默认 2m
cmd-updnodes-arg-rollback = 更新失败的节点恢复原来的版本
cmd-updnodes-arg-yes = 不再询问
cmd-updnodes-examples =
    updnodes -t jarvisnode -v 0.3.1 --batch 2
    updnodes -t web -r --tag shop
cmd-rollback = 把一次更新涉及的节点恢复到原来的版本
cmd-rollback-arg-yes = 不再询问
cmd-rollback-arg-job = 更新任务的编号
cmd-rollback-examples = rollback 51

updnodes-needs-version = 需要指定版本：{ $usage }，或用 `-r` 只重启。当前版本：{ $versions }。
updnodes-both = 版本和 `-r` 只能选一个。更新本身就会重启节点。
updnodes-no-node = 类型为 { $type } 的节点里没有符合条件的。现有：{ $nodes }。
updnodes-ask = 把 { $nodes } 个 { $type } 节点更新到 { $version }（当前：{ $now }）。
updnodes-ask-restart = 重启 { $nodes } 个 { $type } 节点（当前：{ $now }）。
updnodes-ask-rollback = 把 { $nodes } 个 { $type } 节点恢复到原来的版本（当前：{ $now }）。
updnodes-waves = 每批 { $batch } 个。
updnodes-waves-canary = 先更新 { $canary }，之后每批 { $batch } 个。
updnodes-limit = 失败 { $failures } 个就停止。
updnodes-offline = 目前不在线，到时仍不在线就跳过：{ $nodes }
updnodes-package = 先把 { $name }（{ $size }）发送到每个节点。
updnodes-rollback = 失败的节点会恢复原来的版本。

rollback-no-update = 任务 { $number } 不是更新任务。
rollback-open = 任务 { $number } 还在进行。请先用 { $cancel } 停止后续节点。
rollback-nothing = 任务 { $number } 没有改动过已知原版本的节点，没有可以回滚的内容。

rollout-busy = 任务 { $number } 正在更新 { $node }。请等它结束，或用 { $cancel } 停止后续节点。
rollout-title = 更新 { $type } → { $version }
rollout-title-restart = 重启 { $type }
rollout-title-rollback = 回滚 { $type }
rollout-head = { $mark } 任务 { $number } · { $title } · { $good }/{ $nodes } · { $duration }
rollout-waiting = 等待中
rollout-sending = 正在发送 { $percent } %
rollout-working = 正在更新（{ $since }）
rollout-restarting = 正在重启（{ $since }）
rollout-going-back = 正在回滚（{ $since }）
rollout-back = { $took }后以 { $version } 重新上线
rollout-unchanged = 无需改动，已经是 { $version }
rollout-unreachable = 无法连接
rollout-not-begun = 未开始
rollout-came-back = 重新上线，版本为 { $version }
rollout-still = 仍然是 { $version }
rollout-not-restarted = 仍然是 { $version }，{ $limit }内没有重启
rollout-not-back = { $limit }内没有重新上线
rollout-refused = 没有接受更新
rollout-not-sent = 安装包没有送达：{ $why }
rollout-because = { $what }：{ $why }
rollout-script = 更新脚本{ $how }
rollout-script-last = 更新脚本{ $how }：{ $last }
rollout-script-good = 更新脚本正常结束
rollout-script-lost = 更新脚本没有执行完就被终止
rollout-rolled-back = { $what }；已恢复到 { $version }
rollout-not-rolled-back = { $what }；回滚失败：{ $why }
rollout-stopped = 已停止：失败 { $failures } 个，达到上限
rollout-stopped-canary = 已停止：首个节点更新失败
rollout-stopped-by-person = 已取消：没有再开始其他节点
rollout-button-log = 日志
rollout-button-roll-back = 回滚
