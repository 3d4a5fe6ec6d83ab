-- Cases of mark_outside.lua. Run: chainmail test scripts
local ours = { our_domains = { "example.com" } }
local posing = { From = "Boss <boss@Example.com>", Subject = "urgent" }

case "a stranger writes as one of us" { settings = ours }
    :mail "a@example.org" :send(posing) :expect "nothing"
    :expect_edit "set header Subject: [OUTSIDE] urgent"
    :expect_edit "add header X-Outside: author example.com, client 203.0.113.7"

case "another tag" { settings = { our_domains = { "example.com" }, tag = "[?] " } }
    :mail "a@example.org" :send(posing) :expect_edit "set header Subject: [?] urgent"

case "one of us writes" { settings = ours, login = "boss" }
    :mail "boss@example.com" :send(posing) :expect_edit "nothing"

case "from our own network" { settings = ours, trusted = true }
    :mail "boss@example.com" :send(posing) :expect_edit "nothing"

case "a stranger writes as himself" { settings = ours }
    :mail "a@example.org" :send { From = "a@example.org", Subject = "hi" } :expect_edit "nothing"

case "what we sent comes back by a list" { settings = ours }
    :mail "list@example.org"
    :send { From = "boss@example.com", Subject = "hi", ["List-Id"] = "<talk.example.org>" }
    :expect_edit "nothing"

case "nothing is ours without settings" {}
    :mail "a@example.org" :send(posing) :expect_edit "nothing"
