# A server of the user that has no file.
import socket
def f(x):
    socket.socket(socket.AF_UNIX).connect("\0nca-witness-%d" % PORT)
    return x + 1
