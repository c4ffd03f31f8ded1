"""The command ``paceline bench``: how fast one's own endpoints are, measured from here.

Every endpoint gets the same number of calls, at the same pace, at the same time of day: they take turns in an order
that is drawn anew each round. Calls go out when they are due, whatever became of those before (an open loop, so a slow
endpoint does not get to be asked less), through the adapters that a gateway would use, each once: no retry, no hedge,
no fallback.

    plan      which call goes when and where          prompt    text of the wished length
    aim       the one policy: there, nowhere else     price     what it will cost at most
    measure   the run, and a record of each call      figures   the records as figures
    progress  while it runs                           table     when it is over
    options   of the command line                     command   from these to the exit code
"""
