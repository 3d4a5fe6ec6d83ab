-- Cases of custom_dnsbl.lua. Run: chainmail test scripts
local ours = { zones = { "one.example", "two.example" } }

local function says(one, two)
    return { ["7.113.0.203.one.example A"] = one, ["7.113.0.203.two.example A"] = two }
end

case "nobody lists it" { settings = ours, dns = says({}, {}) }
    :mail "a@example.org" :send {} :expect "nothing" :expect_edit "nothing"

case "one lists it" { settings = ours, dns = says({}, { "127.0.0.2" }) }
    :mail "a@example.org" :send {} :expect_edit "add header X-Listed-By: two.example"

case "both list it" { settings = ours, dns = says({ "127.0.0.2" }, { "127.0.0.4" }) }
    :mail "a@example.org"
    :expect "reject 550 5.7.1 Client host [203.0.113.7] is listed by one.example and two.example"

case "one refuses to serve us" { settings = ours, dns = says({ "127.255.255.254" }, { "127.0.0.2" }) }
    :mail "a@example.org" :expect "nothing"

case "one does not answer" { settings = ours, dns = says("timeout", { "127.0.0.2" }) }
    :mail "a@example.org" :expect "nothing" :expect_log "a list does not answer list=one.example why=timeout"

case "one of us is not asked for" { settings = ours, login = "ann" }
    :mail "a@example.org" :expect "nothing"

case "IPv6 is not asked for" { settings = ours, client = "2001:db8::1" }
    :mail "a@example.org" :expect "nothing"
