"""`paceline demo`: the same traffic through the same faults, once by round robin and once by Paceline.

Real HTTP servers on loopback speak the OpenAI streaming protocol for three models in three regions. Their speed is
drawn from published measurements. In the middle third of the run the nearest region browns out. Two routers, each
with servers of its own, get the same calls at the same instants, and the same call meets the same fate at the same
endpoint in both. What remains different is the routing.

    published    the numbers, each with its source        quantiles    drawing from a table of quantiles
    scene        models, regions, routes, the incident    traffic      the calls, planned in advance
    trace        the same from a file                     fate         what a call meets at an endpoint
    vendor       one region's server                      frames       the bytes it reads and writes
    cloud        all servers, in their own process        cloud_main   that process
    contestant   the two routers                          race         the run itself
    lag          whether the machine keeps up             summary      figures out of records
    screen       while it runs                            report       when it is over
    command      the command line

`summary` defines every figure that is shown, and the JSON holds the same objects.
"""
