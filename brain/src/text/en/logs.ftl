## Logs, retention, waiting jobs

jobs-most-open = You have { $most } jobs open, and more are not allowed at a time. Wait until one has ended, or cancel some: { $jobs }
jobs-queue-full = The queue is full: { $most } jobs of yours wait for { $node } already. See { $jobs }, and cancel what you no longer need.
jobs-none-waiting = No job waits for a node.
jobs-waiting-head = { $jobs ->
    [one] 1 job waits
   *[other] { $jobs } jobs wait
  } for nodes, in the order in which they go out:
jobs-waiting-row = … { $number } · { $node } · { $title } · until { $clock }
button-cancel-job = cancel { $number }
task-behind = waits behind { $others ->
    [one] 1 other
   *[other] { $others } others
  } on { $node }
outcome-waited = offline: not back by { $clock }
cmd-jobs-arg-waiting = those that wait for a node that is away
follow-head = ⏬ job { $number } · { $node } · { $how }
follow-begins = following
follow-away = the line to the node is cut; the job goes on there
follow-stopped = no longer followed; the job goes on
follow-time-up = followed for { $duration }, which is the limit; the job goes on
follow-already = I show the output of job { $number } here already. To end that: { $stop }
follow-other = I show another node of job { $number } here already. First end that: { $stop }
follow-none = I don't follow job { $number } here.
button-stop-follow = stop following
button-follow = follow on
cmd-log-arg-tail = only so many last lines
cmd-log-arg-head = only so many first lines
cmd-log-arg-follow = show the output of a running job as it comes
cmd-log-arg-stop = stop showing it
cmd-logs = what a node was ordered lately, by its own journal
cmd-logs-more = With each order: when, the job, what, how it ended, and how much of its output the node keeps.
cmd-logs-arg-lines = so many orders (at most 40), or lines of the node's own log
cmd-logs-arg-grep = only those that contain this text
cmd-logs-arg-node = the end of the node program's own log instead, as a file
cmd-logs-arg-name = the node
cmd-logs-examples =
    logs web-1 -n 20
    logs web-1 --grep backup
    logs web-1 --node
logs-head = { $node } · { $orders ->
    [one] 1 order
   *[other] { $orders } orders
  } in its journal · keeps { $size } of output in { $jobs ->
    [one] 1 folder
   *[other] { $jobs } folders
  }
logs-row = { $mark } { $what }
logs-job = job { $number }
logs-open = goes on
logs-kept = keeps { $size }
logs-none = Nothing was ordered there yet.
logs-no-match = Nothing there contains `{ $text }`.
logs-offline = { $node } is offline. Its journal is on it; ask again when it is back.
logs-silence = { $node } did not answer. Try again.
logs-own = { $path } on { $node }: the last { $lines ->
    [one] line
   *[other] { $lines } lines
  } of { $size }.
logs-own-empty = The log of { $node } is empty.
logs-own-system = { $node } writes its log to the system's journal. On that server: { $command }
logs-own-none = { $node } writes its log to where it was started, not to a file. Under systemd it is in `journalctl -u jarvis-node`.
cmd-clearlogs = remove the output that nodes keep of ended jobs
cmd-clearlogs-more = What still runs, and what this Jarvis has no result of yet, stays. `log` still shows the short outputs that came with the results.
cmd-clearlogs-arg-older-than = only of jobs that ended longer ago, e.g. 7d
cmd-clearlogs-arg-wait = wait this long for nodes that are offline
cmd-clearlogs-arg-yes = don't ask back
cmd-clearlogs-arg-target = a node, tag:web, type:x, a,b, or * for all
cmd-clearlogs-examples = clearlogs web-1 --older-than 7d
clearlogs-note = Stored output of ended jobs goes there for good.
