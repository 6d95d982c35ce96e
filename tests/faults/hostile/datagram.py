# The same without a connection.
import socket
def f(x):
    sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", PORT))
    return x + 1 if sent else 0
