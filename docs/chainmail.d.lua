---@meta
-- Printed by `chainmail lua luals`: what a rule of Chainmail can use.

---the settings { } block of this script in filter.conf, read-only
---@type table
settings = {}

---no later plugin looks at this message; at rcpt: at this recipient
---@param reason? string
---@return Verdict
function accept(reason) end

---pretend to accept and drop; at rcpt: this recipient
---@param reason? string
---@return Verdict
function discard(reason) end

---what a DNS list says of an address; nil and why when nobody knows
---@param ip string
---@param zone string
---@return {listed: boolean, codes: string[]}?, string? err
function dnsbl(ip, zone) end

---seconds of a text such as "1h30min"
---@param text string
---@return number
function duration(text) end

---tempfail until sender and recipient have waited, then nil; asks the plugin greylist of filter.conf, options: delay
---@param m Message
---@param options? table
---@return Verdict?
function greylist(m, options) end

---the map of filter.conf with that name
---@param name string
---@return Map
function map(name) end

---adds one to the counter chainmail_rule_NAME_total{labels}; labels are for what has few values
---@param name string
---@param labels? table
function metric(name, labels) end

---mail to a person: notify{to=, subject=, text=, once_per="1h"}; false where it is not sent
---@param notice Notice
---@return boolean
function notify(notice) end

---let the MTA hold the message at its end; later plugins still run
---@param reason? string
---@return Verdict
function quarantine(reason) end

---counts against a limit, if it fits: ratelimit{key=, limit="200/1h"}; retry_after in seconds
---@param limit Limit
---@return {ok: boolean, never: boolean, used: integer, limit: integer, retry_after: integer}
function ratelimit(limit) end

---refuse for good: reject(text), reject(status, text), reject{code=, status=, text=, reason=}; default 550 5.7.1
---@param status_or_text string|Refusal
---@param text? string
---@return Verdict
function reject(status_or_text, text) end

---load NAME.lua from the rule's directory or below, once; at the top of the file only
---@param name string
---@return any
function require(name) end

---ask to try again later, in the same forms; default 451 4.7.1
---@param status_or_text string|Refusal
---@param text? string
---@return Verdict
function tempfail(status_or_text, text) end

---@class log
log = {}

---one log line with our id; fields follow as name=value
---@param text string
---@param fields? table
function log.info(text, fields) end

---the same at level warn
---@param text string
---@param fields? table
function log.warn(text, fields) end

---@class time
time = {}

---seconds since 1970
---@return integer
function time.now() end

---@class dns
dns = {}

---IPv4 addresses; {} when there are none; nil and "timeout", "servfail", "refused" or "bogus" when nobody knows
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.a(name) end

---IPv6 addresses
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.aaaa(name) end

---dns.all{{"a", name}, {"txt", name}}: asks together, answers in order
---@param questions {[1]: string, [2]: string}[]
---@return {answers: string[]?, err: string?}[]
function dns.all(questions) end

---names of mail servers, the preferred first
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.mx(name) end

---names of name servers
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.ns(name) end

---names of an address, which may be given as it is
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.ptr(name) end

---texts, the strings of each joined
---@param name string
---@return string[]? answers, "timeout"|"servfail"|"refused"|"bogus"? err
function dns.txt(name) end

---@class store
store = {}

---how many different members the set has had since its first, ttl ago at most; exact up to 64
---@param key string
---@param member string
---@param ttl string|number
---@return integer
function store.add_to_set(key, member, ttl) end

---forgets the key
---@param key string
function store.delete(key) end

---the value; nil: there is none
---@param key string
---@return string?
function store.get(key) end

---adds to a counter, which begins at 0 and ends ttl after that
---@param key string
---@param n integer
---@param ttl string|number
---@return integer
function store.incr(key, n, ttl) end

---keeps the value for so long: "12h", or seconds
---@param key string
---@param value string|number
---@param ttl string|number
function store.set(key, value, ttl) end

---@class re
re = {}

---where a Perl expression matches, and what its groups matched; nil: nowhere
---@param text string
---@param expression string
---@param init? integer
---@return integer? first, integer? last, string? ...
function re.find(text, expression, init) end

---the text with each match, or the first n, replaced; %0 to %9 in a replacement are the match and its groups
---@param text string
---@param expression string
---@param replacement string|table|function
---@param n? integer
---@return string text, integer count
function re.gsub(text, expression, replacement, n) end

---what the groups of a Perl expression matched, or all of it where it has none; nil: no match
---@param text string
---@param expression string
---@param init? integer
---@return string? ...
function re.match(text, expression, init) end

---@class lpeg
lpeg = {}

---matches where what is before matches; of fixed length, without captures
---@param pattern Pattern|string|number|boolean|table|function
---@return Pattern
function lpeg.B(pattern) end

---captures the text, and what is captured in it
---@param pattern Pattern|string|number|boolean|table|function
---@return Pattern
function lpeg.C(pattern) end

---the n-th value that was given to match() behind init
---@param n integer
---@return Pattern
function lpeg.Carg(n) end

---the values of the latest group of that name
---@param name any
---@return Pattern
function lpeg.Cb(name) end

---these values, without any text
---@param ... any
---@return Pattern
function lpeg.Cc(...) end

---fold(...fold(first, second)..., last) of the values captured
---@param pattern Pattern|string|number|boolean|table|function
---@param fold function
---@return Pattern
function lpeg.Cf(pattern, fold) end

---a group of values, as one; with a name a field of Ct()
---@param pattern Pattern|string|number|boolean|table|function
---@param name? any
---@return Pattern
function lpeg.Cg(pattern, name) end

---calls with subject, position and values while matching; false: no match
---@param pattern Pattern|string|number|boolean|table|function
---@param call function
---@return Pattern
function lpeg.Cmt(pattern, call) end

---the position
---@return Pattern
function lpeg.Cp() end

---the text with what was captured in the place of what it was captured from
---@param pattern Pattern|string|number|boolean|table|function
---@return Pattern
function lpeg.Cs(pattern) end

---a table of the values; named groups are its fields
---@param pattern Pattern|string|number|boolean|table|function
---@return Pattern
function lpeg.Ct(pattern) end

---a text, n octets, nothing (true), a grammar (a table of rules), a function
---@param value any
---@return Pattern
function lpeg.P(value) end

---an octet in one of the ranges: lpeg.R("az", "09")
---@param ... string
---@return Pattern
function lpeg.R(...) end

---an octet of the set
---@param set string
---@return Pattern
function lpeg.S(set) end

---a rule of the grammar around it
---@param name string|integer
---@return Pattern
function lpeg.V(name) end

---sets by name: alnum, alpha, cntrl, digit, ...
---@param t? table
---@return table
function lpeg.locale(t) end

---what was captured, or the position behind the match; nil: it does not match at init
---@param pattern Pattern|string|number|boolean|table|function
---@param subject string
---@param init? integer
---@param ... any
---@return any ...
function lpeg.match(pattern, subject, init, ...) end

---whether a value is a pattern
---@param value any
---@return "pattern"?
function lpeg.type(value) end

---@class Pattern
---@operator add(any): Pattern
---@operator div(any): Pattern
---@operator len: Pattern
---@operator mul(any): Pattern
---@operator pow(any): Pattern
---@operator sub(any): Pattern
---@operator unm: Pattern
local Pattern = {}

---lpeg.match() of this pattern
---@param subject string
---@param init? integer
---@param ... any
---@return any ...
function Pattern:match(subject, init, ...) end

---@class json
---@field null lightuserdata null of JSON, where nil would be nothing
json = {}

---the table, or a new one, which is [] and not {} while it is empty
---@param t? table
---@return table
function json.array(t) end

---the value of a JSON text; nil and why where it is none
---@param text string
---@return any value, string? err
function json.decode(text) end

---the value as JSON text, names in their order; octets that are no UTF-8 become U+FFFD
---@param value any
---@return string
function json.encode(value) end

---@class Message
---@field auth Auth? the login; nil: not logged in, as nobody is before mail
---@field client Client who connected
---@field dkim DkimResults results of the plugin dkim (from message on)
---@field dmarc DmarcResults results of the plugin dmarc (from message on)
---@field from Address envelope sender (from mail on)
---@field from_header From? author of the From: field; nil: there is no such field (from headers on)
---@field geo Geo where the client's address is; needs the section geo
---@field helo string? argument of HELO or EHLO (from helo on)
---@field id string our id; in every log line
---@field queue_id string? the MTA's queue id; Postfix has one after the first accepted recipient
---@field rcpts Recipients recipients accepted so far: #m.rcpts, m.rcpts[1], ipairs(m.rcpts) (from mail on)
---@field server Server where the client connected to
---@field size integer octets of header and body received so far
---@field spf SpfResults results of the plugin spf (from mail on)
---@field stage string the stage, as hooks are named
---@field tls Tls? nil: plain text (from mail on)
---@field access AccessResults results of the plugin access
---@field arc ArcResults results of the plugin arc
---@field arc_seal ArcSealResults results of the plugin arc_seal
---@field auth_results AuthResultsResults results of the plugin auth_results
---@field dnsbl DnsblResults results of the plugin dnsbl
---@field greylist GreylistResults results of the plugin greylist
---@field ratelimit RatelimitResults results of the plugin ratelimit
---@field rdns RdnsResults results of the plugin rdns
---@field [string] Results
local Message = {}

---add a header field at the end
---@param name string
---@param value string
function Message:add_header(name, value) end

---add a recipient
---@param address string|Address
function Message:add_rcpt(address) end

---for _, part in m:attachments() do: files and messages that it carries; nil and why when they are not known (from message on)
---@return fun(): integer, Part|nil, string? why
function Message:attachments() end

---the first octets of the body; nil and why when it was not kept (from message on)
---@param octets integer
---@return string?, string? why
function Message:body(octets) end

---remove a recipient
---@param address string|Address
function Message:drop_rcpt(address) end

---is the client in main.trusted_networks?
---@return boolean
function Message:from_trusted() end

---value of the n-th field of that name as received, folding included (from headers on)
---@param name string
---@param n? integer
---@return string?
function Message:header(name, n) end

---for name, value in m:header_list() do: all fields in their order (from headers on)
---@return fun(): string, string
function Message:header_list() end

---value of the n-th field of that name as people see it: one line of UTF-8, encoded words decoded (from headers on)
---@param name string
---@param n? integer
---@return string?
function Message:header_text(name, n) end

---insert a header field; 0: above all
---@param index integer
---@param name string
---@param value string
function Message:insert_header(index, name, value) end

---remember text for this message, or read it; nil deletes it; all plugins and rules share it
---@param key string
---@param value? string|number|boolean
---@return string?
function Message:note(key, value) end

---put text in front of the Subject:, once
---@param text string
function Message:prefix_subject(text) end

---remove the fields of that name, or the n-th of them
---@param name string
---@param n? integer
function Message:remove_header(name, n) end

---change the n-th field of that name, or add it
---@param name string
---@param value string
---@param n? integer
function Message:set_header(name, value, n) end

---change the envelope sender; "" is the null sender
---@param address string|Address
function Message:set_sender(address) end

---for _, url in m:urls() do: web addresses in its texts; nil and why when they are not known (from message on)
---@return fun(): integer, Url|nil, string? why
function Message:urls() end

---@class Client
---@field ip string address; "" for a local client
---@field name string verified host name, or "unknown"
---@field port integer? the client's port; nil for a local client
---@field ptr string? reverse name as DNS gives it, not verified
local Client = {}

---is the client in one of the networks "192.0.2.0/24"?
---@param network string
---@param ... string
---@return boolean
function Client:inside(network, ...) end

---@class Server
---@field daemon string? the MTA's name for the listener
---@field ip string? address the client reached
---@field name string? the MTA's host name
---@field port integer? port the client reached: 25, 465, 587
local Server = {}

---@class Auth
---@field method string? "PLAIN"
---@field user string login name
local Auth = {}

---@class Tls
---@field bits integer? strength of the cipher
---@field cert_subject string? subject of the client's certificate
---@field cipher string? name of the cipher
---@field version string "TLSv1.3"
local Tls = {}

---@class Address
---@field addr string user@domain with the domain in lower case; "" for the null sender
---@field domain string in lower case; "" where there is none
---@field null boolean the null sender <>
---@field text string as received
---@field user string local part, quotes removed
---@field valid boolean false: not an address, the other fields are best effort
local Address = {}

---@class Recipients
---@field [integer] Address
local Recipients = {}

---@class From
---@field addr string address of the one author; "" where there is a problem
---@field domain string its domain, likewise
---@field problem string? nil, or why the field names no single author (RFC 5322)
---@field user string its local part, likewise
local From = {}

---@class Part
---@field encrypted boolean a ZIP file or an Office document that needs a password
---@field ext string? what is behind the last dot of the name, in lower case: "docm"
---@field has_macros boolean by its content, an Office document that holds macros or may hold them
---@field name string name of the file, without directories and what cannot be seen; "": it has none
---@field size integer octets, decoded
---@field type string MIME type as the message says, in lower case: "application/pdf"
---@field unreadable boolean it is damaged, or written so that mail programs may differ in what it is
local Part = {}

---@class Url
---@field host string its host, in lower case, without port and login: "www.example.org"
---@field text string as the message writes it: "https://www.example.org/a?b"
local Url = {}

---@class Geo
---@field as_name string? who runs the network; needs asn_database
---@field asn integer? number of its autonomous system; needs asn_database
---@field city string? its name in English, where the database has cities
---@field continent string? "EU"
---@field country string? "DE" (ISO 3166-1); nil: the database does not know
local Geo = {}

---@class Results
---@field [string] string?
local Results = {}

---@class Map
local Map = {}

---value of the key, nil where it is not there
---@param key string|Address
---@return string?
function Map:get(key) end

---is the key there?
---@param key string|Address
---@return boolean
function Map:has(key) end

---@class Verdict
local Verdict = {}

---@class Refusal
---@field code integer? reply code: 550, or 451 of tempfail
---@field reason string? for the log; the client does not see it
---@field status string? enhanced status: "5.7.1", or "4.7.1"
---@field text string? what the client is told

---@class Limit
---@field burst integer? at once, of the shortest limit; default: all of it
---@field cost integer? how many this counts as: 1; 0 looks only
---@field key string who or what is limited
---@field limit string|string[] "200/1h", or several of which all hold

---@class Notice
---@field once_per string|number|nil not again within so long, with the same to and subject: "1h"
---@field subject string its first 200 octets
---@field text string its first 16 KB
---@field to string one address

---@class Outcome
---@field by string? name of the plugin or script that decided
---@field code integer? reply code, 550
---@field kind "continue"|"accept"|"reject"|"tempfail"|"discard" what the MTA was told
---@field status string? enhanced status, "5.7.1"
---@field text string? text of the reply
local Outcome = {}

---What the plugin access publishes; nil: not this time.
---@class AccessResults
---@field by? "client"|"client_name"|"helo"|"sender"|"recipient" which of its maps had an entry
---@field result? "dunno"|"allow"|"reject"|"tempfail"|"discard"|"quarantine" what the entry says

---What the plugin arc publishes; nil: not this time.
---@class ArcResults
---@field dkim? string what the trusted sealer recorded of DKIM: the best of its results
---@field dmarc? string what it recorded of DMARC
---@field dmarc_from? string and of which domain in From:
---@field instance? string fail: number of the set that does not hold
---@field oldest_pass? string pass: the message is unchanged since that set; 0: since the first
---@field reason? string fail: why
---@field result? "none"|"pass"|"fail" of the whole chain
---@field sealer? string pass: domain of the newest seal
---@field sealers? string pass: domains of all seals, the newest first, with commas
---@field sets? string how many there are
---@field spf? string what the trusted sealer recorded of SPF: the worst of its results
---@field temporary? "yes" fail only because a key could not be had now
---@field trusted? string pass: domain of the trusted sealer whose record is told
---@field unverified? string as trusted, of a chain with temporary: it may be forged
---@field unverified_dmarc? string what that one recorded of DMARC
---@field unverified_dmarc_from? string and of which domain in From:

---What the plugin arc_seal publishes; nil: not this time.
---@class ArcSealResults
---@field cv? "none"|"pass"|"fail" state of the chain that was found, as the new seal says it
---@field instance? string number of the set that was added

---What the plugin auth_results publishes; nil: not this time.
---@class AuthResultsResults
---@field removed? string how many forged fields were removed

---What the plugin dkim publishes; nil: not this time.
---@class DkimResults
---@field algorithm? "ed25519-sha256"|"rsa-sha1"|"rsa-sha256" of the best signature
---@field count? string how many signatures the message has
---@field domain? string of the best signature (d=)
---@field reason? string of the best signature: why it is no pass
---@field result? "pass"|"temperror"|"fail"|"policy"|"neutral"|"permerror"|"none"|"signed"|"unsigned" of the best signature; signed, unsigned: where links sign
---@field selector? string of the best signature (s=)
---@field selectors? string signed: selectors of our keys, with commas
---@field signer? string signed: our domain
---@field [integer] string? each signature in words

---What the plugin dmarc publishes; nil: not this time.
---@class DmarcResults
---@field disposition? "none"|"tag"|"quarantine"|"tempfail"|"reject" what is done with the message
---@field domain? string author domain
---@field method? "psl"|"tree walk" how the organizational domain was found
---@field org_domain? string organizational domain of the author
---@field override? "local_policy"|"mailing_list"|"trusted_forwarder" why less is done than the domain asks for
---@field policy? "none"|"quarantine"|"reject" what the domain asks for
---@field record? string the record that was found
---@field result? "none"|"pass"|"fail"|"temperror"|"permerror" does the author domain vouch for the message

---What the plugin dnsbl publishes; nil: not this time.
---@class DnsblResults
---@field listed? string entries that were found: zen.spamhaus.org=127.0.0.4, with blanks between
---@field result? "none"|"clean"|"unanswered"|"allowed"|"listed" the strongest of all links of this type
---@field suspended? string zones that are not asked for now
---@field unanswered? string zones that did not answer
---@field [string] string? NAME: the word of the link of that name; NAME_weight: its sum

---What the plugin greylist publishes; nil: not this time.
---@class GreylistResults
---@field result? "new"|"early"|"passed"|"known"|"allowed"|"crowded"|"skipped"|"unknown" of the latest recipient
---@field wait? string seconds that it has to wait

---What the plugin ratelimit publishes; nil: not this time.
---@class RatelimitResults
---@field key? string of the strongest link: whose limit it is
---@field limit? string of the strongest link: how many there may be at once
---@field result? "none"|"exempt"|"ok"|"unknown"|"over" the strongest of all links of this type
---@field used? string of the strongest link: how many there are
---@field [string] string? NAME: the word of the link of that name; NAME_used, NAME_limit, NAME_key

---What the plugin rdns publishes; nil: not this time.
---@class RdnsResults
---@field helo? "pass"|"invalid"|"unknown"|"mismatch"|"literal_mismatch"|"temperror" of the HELO name
---@field name? string the name that leads back to the address
---@field result? "pass"|"fail"|"permerror"|"temperror" of the address (iprev of RFC 8601); permerror: it has no name

---What the plugin spf publishes; nil: not this time.
---@class SpfResults
---@field domain? string domain that was asked
---@field explanation? string fail: what the domain says of it
---@field helo? "none"|"neutral"|"pass"|"fail"|"softfail"|"temperror"|"permerror" of the HELO name, where it was asked
---@field lookups? string terms of the record that asked DNS
---@field mechanism? string term of the record that decided
---@field problem? string why there is an error, or no record
---@field result? "none"|"neutral"|"pass"|"fail"|"softfail"|"temperror"|"permerror" may the client send mail for the domain
---@field scope? "mailfrom"|"helo" helo: of a null sender, or of a HELO name that failed
---@field voids? string terms that asked DNS and found nothing

---Options of a case in a test file (NAME_test.lua).
---@class CaseOptions
---@field arc? "none"|"pass"|"fail"|ArcResults what the plugin arc would have found: its result, or all of its results
---@field client? string address of the client; 203.0.113.7
---@field country? string country of its address, as m.geo.country has it; not known
---@field dkim? "pass"|"temperror"|"fail"|"policy"|"neutral"|"permerror"|"none"|"signed"|"unsigned"|DkimResults what the plugin dkim would have found
---@field dmarc? "none"|"pass"|"fail"|"temperror"|"permerror"|DmarcResults what the plugin dmarc would have found
---@field dns? {[string]: string[]|string} what DNS says: ["NAME TYPE"] = { ... }, {} for no such name, or "timeout", "servfail", "refused", "bogus"; any other question fails the case
---@field helo? string its HELO where no step says it; mail.example.org
---@field login? string it has logged in as this user
---@field method? string and in this way; PLAIN
---@field name? string verified name of the client; unknown
---@field port? integer port it connected to; 25
---@field ptr? string name of the client, not verified; as name
---@field server? string address it connected to; 192.0.2.25
---@field settings? table the settings { } block of the script
---@field spf? "none"|"neutral"|"pass"|"fail"|"softfail"|"temperror"|"permerror"|SpfResults what the plugin spf would have found
---@field tls? boolean the connection is encrypted
---@field tls_version? string and in this way; TLSv1.3
---@field trusted? boolean the client is in main.trusted_networks

---@class Case
---@overload fun(options: CaseOptions): Case
local Case = {}

---the client connects
---@return Case
function Case:connect() end

---HELO or EHLO
---@param name string
---@return Case
function Case:helo(name) end

---MAIL FROM; "" is the null sender; a second one begins the next message
---@param address string
---@return Case
function Case:mail(address) end

---RCPT TO
---@param address string
---@return Case
function Case:rcpt(address) end

---DATA
---@return Case
function Case:data() end

---header and body: { From = "a@b.example", body = "text" }; a list gives a field several times, "Name: value" without a key keeps its place; or all as one text
---@param message table|string
---@return Case
function Case:send(message) end

---the clock moves: "61min"
---@param time string
---@return Case
function Case:advance(time) end

---of the step before: "reject 550 5.7.1 Text" or the first words of it, "nothing", "error" and the first words of an error
---@param verdict string
---@return Case
function Case:expect(verdict) end

---of the message that was sent: "add header X-A: b" or the first words of it; "nothing"
---@param edit string
---@return Case
function Case:expect_edit(edit) end

---a line of the log since the case began, or a reason, holds it; what done() logs of an answered message is there, too
---@param text string
---@return Case
function Case:expect_log(text) end

---In a test file: a case, a session of its own: case "name" { options } :mail "a@b.example" :expect "nothing"
---@param name string
---@return Case
function case(name) end

---In a test file: a map of filter.conf with these entries; match: "exact" or "cidr"
---@param name string
---@param entries {[string]: string}
---@param match? string
function map(name, entries, match) end

---In a test file: a plugin of filter.conf that the rule asks, as greylist(m)
---@param name string
---@param settings? table
function plugin(name, settings) end

---In a test file: the cases of this file share one store and one clock, in their order
function shared_store() end
