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
