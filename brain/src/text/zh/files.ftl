## Directories, copies, the list of files

cmd-get-more = 目录，或 `*.log` 这样的通配，会打包成一个 .tar.gz。从多个节点取时，每个节点一个文件。
cmd-get-arg-keep = 只存到这里的文件库，不受聊天上限限制
cmd-put-arg-file = 已保存文件的编号（见 `files`）
cmd-put-arg-extract = 把 .tar.gz 解压到该目录
cmd-put-arg-tag = 带此标签的所有节点；后面只写路径
cmd-cp = 把一个节点上的文件复制到其他节点
cmd-cp-more = 数据只经过这里一次，目标上已有的不再传输。目录或通配会在另一端解压。
cmd-cp-arg-wait = 节点离线时最多等待多久
cmd-cp-arg-yes = 不再询问
cmd-cp-arg-from = 要复制的内容，来自一个节点
cmd-cp-arg-to = 放到哪里，一个或多个节点
cmd-cp-examples =
    cp web-1:/etc/nginx/nginx.conf web-2:/etc/nginx/
    复制 web-1:/srv/app/ tag:web:/srv/
cmd-files = 列出在这里出现过的文件
cmd-files-more = 用 `file 编号` 再发一次，用 `put --file 编号 NODE:/path` 放到节点上。
cmd-files-arg-mine = 你自己的，来自所有聊天
cmd-files-arg-number = 最多列出多少个
cmd-files-arg-text = 只列出名称或位置里有这段文字的
cmd-files-examples = 文件 --mine nginx
cmd-file = 再发一次已保存的文件
cmd-file-arg-number = 文件编号
cmd-file-examples = file 12
cmd-rmfile = 删除已保存的文件
cmd-rmfile-arg-number = 文件编号
cmd-rmfile-examples = rmfile 12

button-keep = 存到这里
get-too-large-archive = 共 { $entries } 项、{ $size }，超过了这个聊天的上限（{ $limit }）。
get-too-many = 超过 { $most } 项，无法放进一个压缩包。请只取其中一部分。
status-get-archive = { $entries } 项，{ $content } · 打包后 { $size } · BLAKE3 { $hash }
status-put-unpacked = → { $path } · 已解压 { $entries } 项，{ $content }
status-file-began-again = 传来前一部分之后文件变了，因此从头重新获取。
status-file-kept = 已保存为文件 { $number }。发到这里：{ $send }，放到节点：{ $put }。
put-not-unpacked = { $node } 没有解压：{ $detail }。那里没有任何改动。
progress-bytes-only = { $elapsed } · { $done }
cp-one-source = `cp` 只能从一个节点复制，{ $target } 是多个节点。

files-none = 没有符合的已保存文件。你发送或取回的文件会保存一段时间。
files-row = #{ $number } { $name } · { $size } · { $age } · { $source }
files-row-sent = #{ $number } { $name } · { $size } · { $age } · 在这里发送
files-foot = 已用 { $used }，共 { $quota }。再发一次：{ $send } · 放到节点：{ $put }
files-quota-full = 文件库已满（{ $used }，共 { $quota }），而且没有可以清理的文件。请用 `rmfile` 删除文件，或在配置的 `files` 一节里调大 `quota`。
files-not-kept = 无法保存文件：{ $detail }
files-disk-full = 这个 Jarvis 的磁盘已满。请先腾出空间，再试一次。
files-cut = 线路断开次数太多，已传的部分不再保留。请在线路好转后重试。
file-unknown = 没有你可以查看的文件 { $number }。请看 `files`。
file-gone = 文件 { $number } 已不再保存。请重新获取或发送。
put-file-gone = { $name } 已不再保存在这里。请重新获取或发送。
file-unsupported = 这个聊天无法显示文件。要把文件 { $number } 放到节点上：`put --file { $number } NODE:/path`
rmfile-done = 已删除文件 { $number }（{ $name }）。
rmfile-of-other = 文件 { $number } 是别人的，由本人或所有者删除。
