# Packets of its own making.
import socket
def f(x):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    return x + 1
