"""Every error of Paceline, in one tree.

    PacelineError
    ├── ConfigurationError                 an object cannot work as built; also a ValueError
    │   ├── DuplicateEndpoint
    │   ├── NotAPolicy
    │   ├── ImpossibleOrder
    │   └── PluginError                    what was asked for by name cannot be had
    │       ├── UnknownPlugin              no installed package offers it
    │       ├── AmbiguousPlugin            two packages do
    │       └── BrokenPlugin               it cannot be imported, or is not what it is offered as
    ├── RouterClosed                       a call outside ``async with router``
    ├── CorruptStatistics                  saved or received statistics cannot be read; also a ValueError
    └── CallError                          a call went wrong; carries its attempts and decisions
        ├── InvalidRequest                 the caller's mistake, found before anything is sent; also a ValueError
        │   ├── UnknownRoute
        │   └── UnknownModel
        ├── NoEndpoint                     nothing is left to choose from
        │   ├── ResidencyUnmet
        │   └── OperationUnmet             none can do what is asked for, such as embeddings
        ├── DeadlineExceeded               time is up
        │   └── DeadlineInsufficient       what is left is too little to begin
        ├── EveryModelFailed               the whole fallback chain failed
        ├── CostLimitReached               ours: the route's money is spent; says when there is more
        ├── PolicyFailed                   a policy raised something that is none of these
        └── AttemptFailed                  one try at one endpoint
            ├── Overloaded                 ours: no slot in time
            ├── Gated                      ours: the endpoint has asked to be left alone until later
            ├── Unsupported                ours: the endpoint cannot do what the request asks for
            ├── Throttled                  ours: no room in the vendor's rate limits in time
            ├── ConnectFailed
            ├── AttemptTimeout             a limit of the attempt: start, first_token, gap, total or slow
            ├── RateLimited                429, with its Retry-After
            ├── ProviderOverloaded         503, 529
            ├── ProviderTimeout            408, 504
            ├── ProviderConflict           409
            ├── ProviderError              5xx, and answers that are not what was promised
            │   ├── MalformedAnswer        not the protocol
            │   └── TruncatedAnswer        ended with neither finish reason nor end marker
            ├── CallerAtFault              nothing another endpoint of this model could mend
            │   ├── BadRequest
            │   ├── ContextTooLong
            │   ├── RequestTooLarge
            │   └── ContentBlocked
            ├── AuthenticationFailed
            ├── PermissionDenied
            ├── QuotaExhausted
            ├── NotFound
            └── StreamInterrupted          after progress: never repeated silently, says how much was delivered

Each class of `AttemptFailed` says whether another try may help (`same`, `elsewhere`, `other_model`), against whom it
speaks (`health`) and what it tells a limit of calls in flight (`signal`): one classification for whoever asks. A single
error may say otherwise, as a vendor's word can.
"""

from .attempts import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    BadRequest,
    CallerAtFault,
    ConnectFailed,
    ContentBlocked,
    ContextTooLong,
    Gated,
    MalformedAnswer,
    NotFound,
    Overloaded,
    PermissionDenied,
    ProviderConflict,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    StreamInterrupted,
    Throttled,
    TruncatedAnswer,
    Unsupported,
)
from .calls import (
    CallError,
    CostLimitReached,
    DeadlineExceeded,
    DeadlineInsufficient,
    EveryModelFailed,
    InvalidRequest,
    NoEndpoint,
    OperationUnmet,
    PolicyFailed,
    ResidencyUnmet,
    UnknownModel,
    UnknownRoute,
)
from .roots import (
    AmbiguousPlugin,
    BrokenPlugin,
    ConfigurationError,
    CorruptStatistics,
    DuplicateEndpoint,
    ImpossibleOrder,
    NotAPolicy,
    PacelineError,
    PluginError,
    RouterClosed,
    UnknownPlugin,
)

__all__ = [
    "AmbiguousPlugin",
    "AttemptFailed",
    "AttemptTimeout",
    "AuthenticationFailed",
    "BadRequest",
    "BrokenPlugin",
    "CallError",
    "CallerAtFault",
    "ConfigurationError",
    "ConnectFailed",
    "ContentBlocked",
    "ContextTooLong",
    "CorruptStatistics",
    "CostLimitReached",
    "DeadlineExceeded",
    "DeadlineInsufficient",
    "DuplicateEndpoint",
    "EveryModelFailed",
    "Gated",
    "ImpossibleOrder",
    "InvalidRequest",
    "MalformedAnswer",
    "NoEndpoint",
    "NotAPolicy",
    "NotFound",
    "OperationUnmet",
    "Overloaded",
    "PacelineError",
    "PermissionDenied",
    "PluginError",
    "PolicyFailed",
    "ProviderConflict",
    "ProviderError",
    "ProviderOverloaded",
    "ProviderTimeout",
    "QuotaExhausted",
    "RateLimited",
    "RequestTooLarge",
    "ResidencyUnmet",
    "RouterClosed",
    "StreamInterrupted",
    "Throttled",
    "TruncatedAnswer",
    "UnknownModel",
    "UnknownPlugin",
    "UnknownRoute",
    "Unsupported",
]
