-- Cases of tag_subject.lua. Run: chainmail test scripts
local failed = { result = "fail", policy = "none", domain = "example.com" }

case "nobody vouches for the author" { dmarc = failed }
    :mail "x@example.org" :send { From = "a@example.com", Subject = "hi" } :expect "nothing"
    :expect_edit "set header Subject: [UNVERIFIED] hi"
    :expect_edit "add header X-Unverified: author example.com, policy none"

case "what is to be refused is not ours" { dmarc = { result = "fail", policy = "reject", domain = "example.com" } }
    :mail "x@example.org" :send { From = "a@example.com", Subject = "hi" } :expect_edit "nothing"

case "the author's domain vouches for it" { dmarc = "pass" }
    :mail "a@example.com" :send { From = "a@example.com", Subject = "hi" } :expect_edit "nothing"

case "one of us writes" { login = "ann", dmarc = failed }
    :mail "a@example.com" :send { From = "a@example.com", Subject = "hi" } :expect_edit "nothing"
