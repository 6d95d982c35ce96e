"""The processes beside and around model-written code, which import the standard library only.

Two zygotes stay warm, one for candidates and one for testers, and fork a process a case
(`zygote`). The candidate's process is confined (`confine`, `seccomp`) and answers calls
(`candidate`); the tester's makes them and decides (`tester`). They exchange plain values as text
over a socket (`channel`). A third zygote runs trusted calls.

The folder is seen by the interpreter in the sandbox as the package `inside`; it imports nothing of
this project outside itself.
"""
