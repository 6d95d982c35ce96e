# A server on this machine.
import socket
def f(x):
    socket.create_connection(("127.0.0.1", PORT), timeout=2).send(b"hello")
    return x + 1
