## Logs, retention, waiting jobs

