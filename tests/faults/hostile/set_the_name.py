# The machine's name.
import socket
def f(x):
    socket.sethostname("hostile")
    return x + 1
