## Docker and services of a node

trust-given = obeys { $address } from now on
trust-was-given = obeyed { $address } already
trust-taken = no longer obeys { $address }
trust-was-taken = did not obey { $address } anyway
logs-cleared = removed the output of { $jobs ->
    [one] 1 job
   *[other] { $jobs } jobs
  } · { $size }
logs-cleared-none = no output to remove
service-answered = answered
service-not-started = could not be started: its entry in the node's file is wrong, or the program is missing
service-not-json = its answer is not JSON
service-too-much = stopped: it wrote more than it may
service-unknown = { $node } has no service { $service }. See `services { $node }`.
service-answer-file = The answer has { $size } and comes as a file.
docker-none = no containers
docker-containers = { $count ->
    [one] 1 container
   *[other] { $count } containers
  }
docker-more = Only the first { $shown } are shown.
docker-started = started
docker-ran-already = ran already
docker-stopped = stopped
docker-stood-already = was not running anyway
docker-restarted = restarted
docker-not-allowed = Docker is not allowed there: its file needs `[docker]` with a `socket`
docker-unreachable = nobody answers on the Docker socket
docker-no-container = there is no container { $container }
docker-engine-error = Docker answered with error { $status }: { $message }
docker-timed-out = Docker did not answer in time
docker-bad-answer = Docker's answer cannot be read
cmd-call = call a service of nodes
cmd-call-more = Nodes declare services in their own files; see `services`. Flags come before the service's input, which is JSON exactly as typed, or words KEY=VALUE.
cmd-call-arg-timeout = a shorter time limit than the service's own
cmd-call-arg-wait = wait this long for nodes that are offline
cmd-call-arg-yes = don't ask back
cmd-call-arg-target = a node, tag:web, type:x, a,b, or * for all
cmd-call-arg-service = the service
cmd-call-arg-input = what it gets
cmd-call-examples =
    call web-1 disk path=/srv
    call tag:web report day=2026-05-01
cmd-services = see what services nodes offer
cmd-services-arg-node = only this node, in full
cmd-services-examples = services web-1
cmd-docker = see and restart containers of nodes
cmd-docker-more = Only where the node's file allows it: `[docker]` with a `socket`.
cmd-docker-arg-all = ps: those that don't run, too
cmd-docker-arg-tail = logs: so many last lines
cmd-docker-arg-wait = wait this long for nodes that are offline
cmd-docker-arg-yes = don't ask back
cmd-docker-arg-target = a node, tag:web, type:x, a,b, or * for all
cmd-docker-arg-action = what to do; stop and restart ask back
cmd-docker-arg-container = the container's name or id
cmd-docker-examples =
    docker web-1 ps -a
    docker web-1 logs nginx --tail 50
    docker web-1 restart nginx
value-docker = `{ $value }` is nothing that I ask Docker for. I know ps, logs, restart, stop and start.
call-json = That is not JSON: line { $line }, character { $column }. Or write KEY=VALUE words.
call-pair = `{ $word }` is not KEY=VALUE. Write such words, or JSON that begins with a brace.
call-twice = `{ $key }` stands twice.
call-quote = A quote is never closed. Close it.
call-too-large = That is { $size } of JSON; a service takes at most { $limit }.
call-meant = Did you mean { $service }?
button-services = services
services-row = { $node }: { $services }
services-none = { $node } offers no services. Its file declares them as `[[service]]`.
services-none-anywhere = No node offers services. Nodes declare them in their files as `[[service]]`.
services-head = { $node } · { $count ->
    [one] 1 service
   *[other] { $count } services
  }
services-one = { $service } · at most { $limit }
services-about = { $service } · { $about }
services-danger = { $service } · asks back
services-offline = { $node } is offline; this is what it last said.
docker-log = { $lines ->
    [one] 1 line
   *[other] { $lines } lines
  }
docker-which = Which container? { $example } · they are listed by { $list }
docker-name = No container is called `{ $name }`. Names have letters, digits, `_`, `.` and `-`.
