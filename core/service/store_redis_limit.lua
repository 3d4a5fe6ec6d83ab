-- SPDX-License-Identifier: MIT
-- store_redis_limit.lua - one step of a limit: limit.c, inside the server
--
-- The functions have the names and the order of those in limit.c, the record has the same octets,
-- and numbers are doubles, which hold every whole number that occurs (LONGEST of limit.c sees to
-- that). Whoever changes one changes the other; a test takes the same steps in both and compares
-- answers and records to the last bit (tests/unit/test_store_redis.c).
--
-- KEYS[1] record; ARGV: now in microseconds or 0, step, cost, reserved, reserved_at, strict, and for
-- each window count, period, burst. Returns ok, never, window, used, limit, retry, reserved_at.
--
-- 0 is the server's own clock, so that machines whose clocks differ count in one time. A record
-- stays a minute longer than it says something: the clock of the server that follows this one may be
-- ahead.

local MINUTE, CLOSE, STRICT_BURSTS = 60000000, 1e-6, 2
local PENDING_MOST, PENDING_COST_MOST, WINDOWS = 16, 1e15, 8
local LONGEST, SLACK_MS = 2 ^ 52, 60000
local LOOK, RESERVE, COMMIT = 0, 1, 2
local floor, ceil = math.floor, math.ceil
local key, now = KEYS[1], tonumber(ARGV[1])
local step, cost = tonumber(ARGV[2]), tonumber(ARGV[3])
local reserved, reserved_at = tonumber(ARGV[4]), tonumber(ARGV[5])
local strict = ARGV[6] == '1'
local windows, buckets, pending = {}, {}, {}
local answer
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
for i = 7, #ARGV, 3 do
  local count, period = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local burst = tonumber(ARGV[i + 2])
  if burst <= 0 then burst = count end
  windows[#windows + 1] = {count = count, period = period, burst = burst}
end

local function time_of(w, tokens)
  return math.min(floor(tokens * w.period / w.count), LONGEST)
end

local function level_of(w, b)
  if b.empty_at <= now then return 0 end
  return (b.empty_at - now) * w.count / w.period
end

local function find_empty_at(old, period)
  for _, b in ipairs(old) do
    if b.period == period then return b.empty_at end
  end
  return 0
end

local function align_buckets()
  local old = buckets
  buckets = {}
  for i, w in ipairs(windows) do
    local most = w.burst * (strict and STRICT_BURSTS or 1)
    local full, at = now + time_of(w, most), find_empty_at(old, w.period)
    buckets[i] = {period = w.period, empty_at = at < full and at or full}
  end
end

local function drop_pending()
  local minute, kept = floor(now / MINUTE), {}
  for _, p in ipairs(pending) do
    if p.cost > 0 and p.cost <= PENDING_COST_MOST and
       p.minute > minute - PENDING_MOST and p.minute <= minute then
      kept[#kept + 1] = p
    end
  end
  pending = kept
end

local function sum_pending()
  local sum = 0
  for _, p in ipairs(pending) do sum = sum + p.cost end
  return sum
end

local function find_pending(minute)
  for _, p in ipairs(pending) do
    if p.minute == minute then return p end
  end
end

local function judge(cost)
  local waiting, fullest = sum_pending(), -1
  answer = {ok = 1, never = 0, window = 0, used = 0, limit = 0, retry = 0, at = 0}
  for i, w in ipairs(windows) do
    local used = level_of(w, buckets[i]) + waiting
    local over = used + cost - w.burst
    local retry = over > CLOSE and time_of(w, over) + 1 or 0
    local worse
    if retry > 0 then
      worse = retry > answer.retry
    else
      worse = answer.retry == 0 and used / w.burst > fullest
    end
    if cost > w.burst then answer.never = 1 end
    if worse then
      fullest = used / w.burst
      answer.ok = retry == 0 and 1 or 0
      answer.window, answer.used = i - 1, ceil(used - CLOSE)
      answer.limit, answer.retry = w.burst, retry
    end
  end
end

local function fill()
  for i, b in ipairs(buckets) do
    b.empty_at = math.max(b.empty_at, now) + time_of(windows[i], cost)
  end
end

local function add_pending()
  local minute = floor(now / MINUTE)
  local p = find_pending(minute)
  if not p then
    p = {minute = minute, cost = 0}
    pending[#pending + 1] = p
  end
  p.cost = p.cost + cost
end

local function take_pending()
  local p = find_pending(floor(reserved_at / MINUTE))
  if p then p.cost = p.cost - math.min(p.cost, reserved) end
  drop_pending()
end

local function reserve()
  if answer.ok == 1 then
    add_pending()
    answer.used, answer.at = answer.used + cost, now
  elseif strict and answer.never == 0 then
    fill()
    align_buckets()
  end
end

local function ends()
  local at = 0
  for _, b in ipairs(buckets) do at = math.max(at, b.empty_at) end
  for _, p in ipairs(pending) do
    at = math.max(at, (p.minute + PENDING_MOST) * MINUTE)
  end
  return at
end

local function encode()
  local parts = {struct.pack('BBBB', 1, #buckets, #pending, 0)}
  for _, b in ipairs(buckets) do
    parts[#parts + 1] = struct.pack('<i8i8', b.period, b.empty_at)
  end
  for _, p in ipairs(pending) do
    parts[#parts + 1] = struct.pack('<i8i8', p.minute, p.cost)
  end
  return table.concat(parts)
end

local function decode(data)
  if not data or #data < 4 then return end
  local version, many, more = struct.unpack('BBB', data)
  if version ~= 1 or many > WINDOWS or more > PENDING_MOST or
     #data ~= 4 + 16 * many + 16 * more then return end
  for i = 0, many + more - 1 do
    local name, value = struct.unpack('<i8i8', data, 5 + 16 * i)
    if i < many then
      buckets[i + 1] = {period = name, empty_at = value}
    else
      pending[i - many + 1] = {minute = name, cost = value}
    end
  end
end

local data = redis.pcall('GET', key)
if type(data) == 'table' then return data end
decode(data)
align_buckets()
drop_pending()
if step == LOOK then
  judge(cost)
elseif step == RESERVE then
  judge(cost)
  reserve()
elseif step == COMMIT then
  take_pending()
  fill()
  align_buckets()
  judge(0)
else
  take_pending()
  judge(0)
end
if step ~= LOOK then
  local left, done = ends() - now
  if left > 0 then
    done = redis.pcall('SET', key, encode(), 'PX',
      string.format('%.0f', ceil(left / 1000) + SLACK_MS))
  else
    done = redis.pcall('DEL', key)
  end
  if type(done) == 'table' and done.err then return done end
end
return {answer.ok, answer.never, answer.window, answer.used, answer.limit, answer.retry,
  answer.at}
