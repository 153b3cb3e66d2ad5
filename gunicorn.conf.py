"""What the plain command `gunicorn -k gevent app:app` needs.

`worker_class` is left to the command line, where it can be seen; gunicorn's other workers would keep
a thread or a process for each socket.
"""

import resource

# A worker that stops says goodbye within CHAT_STOP_SECONDS (4) and is gone; this is the outer bound.
graceful_timeout = 5

# gunicorn's control socket is one file for each user of the machine: two instances would collide.
control_socket_disable = True

# Each socket is a file descriptor, and many systems begin with 1,024: take all that is allowed.
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
