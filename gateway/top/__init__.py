"""The command ``paceline top``: what a gateway does at this moment, in a terminal.

snapshot   what the gateway says, as far as it is shown      source   asking for it
figures    one figure as text, the same width everywhere     tables   routes and endpoints
below      what went wrong, and the last calls               frame    all of it, fitted to the screen
choices    what the keys change                              keys     reading them
screen     drawing again and again                           options    of the command line
command    from these to the exit code
"""
