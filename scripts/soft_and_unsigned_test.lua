-- Cases of soft_and_unsigned.lua. Run: chainmail test scripts
plugin("greylist", { use_spf = false })
local doubtful = { spf = "softfail", dkim = "none", settings = { delay = "10min" } }

case "it must come again, and not too soon" (doubtful)
    :mail "a@example.org" :send {} :expect "tempfail 451 4.7.1"
    :advance "5min"
    :mail "a@example.org" :send {} :expect "tempfail 451 4.7.1"
    :advance "6min"
    :mail "a@example.org" :send {} :expect "nothing"

case "somebody has signed" { spf = "softfail", dkim = "pass" }
    :mail "a@example.org" :send {} :expect "nothing"

case "its domain is sure" { spf = "pass", dkim = "none" }
    :mail "a@example.org" :send {} :expect "nothing"

case "one of us writes" { spf = "softfail", dkim = "none", login = "ann" }
    :mail "a@example.org" :send {} :expect "nothing"
