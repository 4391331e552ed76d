## Subscriptions, pictures, version differences

cmd-nodes-arg-offline = only those that are away
nodes-none-offline = No node that matches is away.

cmd-subscribe = be told of nodes that come and go, of jobs that end, or of notes
cmd-subscribe-more = In a group only operators and owners may. You are told what you may see at that time. Short absences are not told, a node that comes and goes is told once, and what happens to many is one message.
cmd-subscribe-arg-tag = only nodes with this tag
cmd-subscribe-arg-node = only this node
cmd-subscribe-arg-all = also jobs that ended well
cmd-subscribe-arg-room = told in this room, in which nobody can ask for it, such as the group of a robot; for owners
cmd-subscribe-arg-topic = nodes, jobs or notes
cmd-subscribe-arg-notebook = of notes: their notebook, as nb:NAME
cmd-subscribe-examples =
    subscribe nodes
    subscribe jobs --tag web --all
    subscribe notes nb:ops
    subscribe jobs --all --room ops
cmd-unsubscribe = be told no more
cmd-unsubscribe-arg-room = what is told in this room, in which nobody can ask for it; for owners
cmd-unsubscribe-arg-which = nodes, jobs, notes or all
cmd-unsubscribe-examples = unsubscribe nodes
cmd-subscriptions = show what is told here
cmd-subscriptions-arg-room = what is told in this room, in which nobody can ask for it; for owners
cmd-top = show the load of nodes as a picture
cmd-top-more = CPU, memory, disk and load average, from what the nodes reported. Of a node that is away, the time before it went.
cmd-top-arg-tag = only nodes with this tag
cmd-top-arg-hours = the last so many hours, at most 24
cmd-top-arg-target = which nodes; without it all
cmd-top-examples =
    top web-1
    top --tag web --hours 6
cmd-drift = show which versions run where
cmd-drift-arg-node-type = only of this type
cmd-drift-examples = drift -t jarvisnode

value-topic = `{ $value }` is nothing one can subscribe to. There are `nodes`, `jobs` and `notes`.

subscribe-nodes = Subscribed here: { $what }. You will be told when nodes go away and come back.
subscribe-jobs = Subscribed here: { $what }. You will be told of jobs that fail; with `--all` of every end.
subscribe-jobs-all = Subscribed here: { $what }. You will be told of every job that ends.
subscribe-jobs-own = Jobs of others are for owners to see: you will be told of your own that you started elsewhere.
subscribe-no-such-tag = No node has the tag `{ $tag }` yet.
subscribe-too-many = This room has { $most } subscriptions, which is the most. See `subscriptions`.
subscribe-elsewhere = For the room { $room }:
subscribe-no-such-room = { $count ->
    [0] There is no room in which nobody can ask; `{ $room }` must ask for itself: send `subscribe` there.
   *[other] No room in which nobody can ask is called `{ $room }`. There is: { $rooms }. Other rooms ask for themselves: send `subscribe` there.
}
subscribe-room-twice = Several rooms are called `{ $room }`: give them different names in the configuration.
unsubscribe-none = Nothing of that kind is subscribed here. See `subscriptions`.
unsubscribe-done = Ended:
subscriptions-none = Nothing is subscribed here.
subscriptions-head = Told here:
subscriptions-row = · { $what }
subscriptions-row-of = · { $what } (by { $who })
button-unsubscribe = unsubscribe
button-subscribe-nodes = nodes
button-subscribe-jobs = jobs

watch-away = { $mark } { $node } is away since { $clock }.
watch-away-many = { $mark } { $count } of { $all } nodes went away at { $clock }: { $nodes }.
watch-back = { $mark } { $node } is back after { $span }.
watch-back-many = { $mark } { $count } nodes are back after { $span }: { $nodes }.
watch-flapping = { $mark } { $node } is flapping: { $changes } changes in { $within }. I say no more of it until it is calm.
watch-flapping-many = { $mark } { $count } nodes are flapping: { $nodes }. I say no more of them until they are calm.
watch-calm-online = { $mark } { $node } is calm again: online.
watch-calm-online-many = { $mark } { $count } nodes are calm again, online: { $nodes }.
watch-calm-offline = { $mark } { $node } is calm again: away since { $clock }.
watch-calm-offline-many = { $mark } { $count } nodes are calm again, away: { $nodes }.
watch-button-top = load before
watch-job-one = { $mark } job { $number } of { $who } · { $node } · { $outcome } · { $command }
watch-job-many = { $mark } job { $number } of { $who } · well on { $good } of { $all } nodes · { $command }
watch-button-job = show it
watch-task-done = done
watch-task-failed = failed
watch-task-cancelled = cancelled
watch-task-refused = refused by the node
watch-task-offline = node offline
watch-task-lost = lost

top-nothing = Nothing has been measured on { $nodes } yet. Nodes report every few seconds while they are connected.
top-one = { $node } · { $hours ->
    [one] the last hour
   *[other] the last { $hours } hours
}
top-one-offline = { $node } is offline · { $hours ->
    [one] the last known hour
   *[other] the last known { $hours } hours
}, until { $until }
top-several = { $count } nodes · { $hours ->
    [one] the last hour
   *[other] the last { $hours } hours
}
top-first = These are the first { $first } of { $all }. Name a node or a tag to see others.
top-values = CPU { $cpu } · memory { $memory } · disk { $disk } · load { $load }
top-values-now = CPU { $cpu } · memory { $memory } · disk { $disk } · load { $load }
top-range = { $now } ({ $least }–{ $most })
top-unknown = unknown
top-row = { $node } · { $values }
top-row-offline = { $node } (offline) · { $values }

drift-none = No node has told its version yet.
drift-none-of-type = No node of type { $type } has told its version yet.
drift-same = { $type }: { $count ->
    [one] 1 node has
   *[other] all { $count } nodes have
} { $version } (core { $cores })
drift-differ = { $type }: { $versions } versions on { $count } nodes (core { $cores })
drift-version = · { $version } × { $count }: { $nodes }
drift-core = { $core }
drift-core-of = { $core } × { $count }
drift-offline = { $node } (offline)
drift-never = Never seen: { $nodes }
drift-more = and { $more } more types; see one with `drift -t TYPE`
drift-button = update { $type } to { $version }

health-away-advice = Of nodes that are away: see whether the server and its line are up, then `systemctl status jarvis-node` there.
health-disk = { $mark } The disk of { $node } is { $share } % full ({ $used } of { $total }). Make room; { $advice } shows where.
health-disk-more = The disk is nearly full on { $nodes }, too.
health-memory = { $mark } The memory of { $node } is { $share } % full ({ $used } of { $total }). See { $advice }, and stop or limit what takes it.
health-memory-more = The memory is nearly full on { $nodes }, too.
