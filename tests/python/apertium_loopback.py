"""Runs Apertium APy on loopback only: it has no option for that. Arguments: port, folder of modes."""

import sys

# Its arguments are read when it is imported.
sys.argv = ["apertium-apy", sys.argv[2], "--port", sys.argv[1]]

import tornado.httpserver  # noqa: E402
from apertium_apy import apy  # noqa: E402

bind = tornado.httpserver.HTTPServer.bind
tornado.httpserver.HTTPServer.bind = lambda self, port: bind(self, port, address="127.0.0.1")
apy.main()
