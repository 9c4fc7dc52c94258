"""What ``certboot`` alone shows: where to start, and what is there for which need."""

from __future__ import annotations

TEXT = """\
start here
  certboot init            fill the store, and let the hook point programs at it
  certboot doctor          say what is active and why

when a host fails
  certboot doctor HOST     say why its certificate fails, and what mends it
  certboot repair HOST     store the intermediate that the server forgot to send
  certboot trust FILE      add a CA of your own
  certboot explain ID      tell what a finding means, or an error of OpenSSL
  also: chain, scan

the store
  certboot list            list its certificates
  certboot update          read the sources again
  certboot rollback        go back to an earlier generation
  also: show, history, diff, distrust, adopt, purge

other programs and machines
  certboot run PROGRAM     run a program with the hook's variables
  certboot hook install    put the start-up hook into another Python
  certboot export          write the store for Java, Kubernetes, containers
  also: env, rehash, completion

certboot COMMAND --help tells all of a command, certboot --help lists them all"""
