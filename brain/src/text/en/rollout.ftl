## Rolling out updates

cmd-updnodes = update nodes of one type, wave after wave
cmd-updnodes-more = The nodes' own update_script does the work; a package may be attached. A node counts as updated when it is back with the new version. One node goes first (the canary), then batches; too many failures stop it.
cmd-updnodes-arg-node-type = nodes of this type
cmd-updnodes-arg-version = the version that they are to have
cmd-updnodes-arg-restart = only restart them
cmd-updnodes-arg-tag = only those with this tag
cmd-updnodes-arg-node = only this one
cmd-updnodes-arg-batch = so many at a time, or a part such as 20%; 20% without it
cmd-updnodes-arg-max-fail = stop after so many failures, or a part such as 10%; 1 without it
cmd-updnodes-arg-canary = so many first and alone; 1 without it, 0 for none
cmd-updnodes-arg-timeout = how long a node may take to be back; 2m without it
cmd-updnodes-arg-rollback = bring nodes on which it fails back to their old version
cmd-updnodes-arg-yes = don't ask back
cmd-updnodes-examples =
    updnodes -t jarvisnode -v 0.3.1 --batch 2
    updnodes -t web -r --tag shop
cmd-rollback = bring the nodes of an update back to their old versions
cmd-rollback-arg-yes = don't ask back
cmd-rollback-arg-job = the update's job
cmd-rollback-examples = rollback 51

updnodes-needs-version = That needs a version: { $usage }, or `-r` to restart only. Versions now: { $versions }.
updnodes-both = A version or `-r`: one of the two, please. An update restarts nodes by itself.
updnodes-no-node = None of the nodes of type { $type } fits. There are: { $nodes }.
updnodes-ask = Update { $nodes ->
    [one] one node
   *[other] { $nodes } nodes
 } of type { $type } to { $version } (now: { $now }).
updnodes-ask-restart = Restart { $nodes ->
    [one] one node
   *[other] { $nodes } nodes
 } of type { $type } (now: { $now }).
updnodes-ask-rollback = Bring { $nodes ->
    [one] one node
   *[other] { $nodes } nodes
 } of type { $type } back to the old version (now: { $now }).
updnodes-waves = { $batch } at a time.
updnodes-waves-canary = First canary { $canary }, then { $batch } at a time.
updnodes-limit = Stop after { $failures ->
    [one] 1 failure
   *[other] { $failures } failures
 }.
updnodes-offline = Not connected now, and left out if that stays so: { $nodes }
updnodes-package = { $name } ({ $size }) is sent to each of them first.
updnodes-rollback = Where it fails, the old version comes back.

rollback-no-update = Job { $number } is no update.
rollback-open = Job { $number } still runs. Stop further nodes with { $cancel } first.
rollback-nothing = Job { $number } has changed no node whose old version is known: there is nothing to take back.

rollout-busy = Job { $number } is updating { $node } already. Wait for it, or stop further nodes with { $cancel }.
rollout-title = update { $type } → { $version }
rollout-title-restart = restart { $type }
rollout-title-rollback = roll back { $type }
rollout-head = { $mark } job { $number } · { $title } · { $good } of { $nodes } · { $duration }
rollout-waiting = waiting
rollout-sending = sending { $percent } %
rollout-working = updating ({ $since })
rollout-restarting = restarting ({ $since })
rollout-going-back = rolling back ({ $since })
rollout-back = back in { $took } with { $version }
rollout-unchanged = unchanged, it has { $version } already
rollout-unreachable = unreachable
rollout-not-begun = not begun
rollout-came-back = came back with { $version }
rollout-still = is still { $version }
rollout-not-restarted = is still { $version } and was not restarted in { $limit }
rollout-not-back = did not come back in { $limit }
rollout-refused = did not take the update
rollout-not-sent = the package did not arrive: { $why }
rollout-because = { $what }: { $why }
rollout-script = update script { $how }
rollout-script-last = update script { $how }: { $last }
rollout-script-good = the update script ended well
rollout-script-lost = the update script was killed before its end
rollout-rolled-back = { $what }; rolled back to { $version }
rollout-not-rolled-back = { $what }; the way back failed: { $why }
rollout-stopped = stopped: { $failures ->
    [one] 1 failure is the limit
   *[other] { $failures } failures are the limit
 }
rollout-stopped-canary = stopped: the canary failed
rollout-stopped-by-person = cancelled: no further nodes were begun
rollout-button-log = log
rollout-button-roll-back = roll back
