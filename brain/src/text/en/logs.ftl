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
cmd-clearlogs = remove the output that nodes keep of ended jobs
cmd-clearlogs-more = What still runs, and what this Jarvis has no result of yet, stays. `log` still shows the short outputs that came with the results.
cmd-clearlogs-arg-older-than = only of jobs that ended longer ago, e.g. 7d
cmd-clearlogs-arg-wait = wait this long for nodes that are offline
cmd-clearlogs-arg-yes = don't ask back
cmd-clearlogs-arg-target = a node, tag:web, type:x, a,b, or * for all
cmd-clearlogs-examples = clearlogs web-1 --older-than 7d
clearlogs-note = Stored output of ended jobs goes there for good.
