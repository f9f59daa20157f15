-- Leases the first deliveries of lines that are due, oldest first. Answers with
-- the claimed ones (ID, intent, state, sink's number, line), and, if there are
-- none, with when the first will be due and in how many microseconds the first
-- lease ends, or "".
--
-- KEYS: 1 intents, 2 states, then lines, waiting and leased of each sink.
-- ARGV: 1 the caller's now in microseconds, 2 lease in microseconds, 3 how many
-- at most, 4 begin of the leases' names, then the operations that may go, if
-- not all.
local intents, states = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local max = tonumber(ARGV[3])

local function micros(x) return string.format('%.0f', x) end
local function head(lines, line)
  local past = string.sub(line, 1, -2) .. '\2'
  local first = redis.call('ZRANGEBYLEX', lines, '[' .. line, '(' .. past, 'LIMIT', 0, 1)[1]
  return first and string.sub(first, #line + 17), first and string.sub(first, #line + 1, #line + 16)
end

local wanted
for i = 5, #ARGV do
  wanted = wanted or {}
  wanted[ARGV[i]] = true
end
-- An intent begins with its operation, as keypart.Append writes it.
local function wants(id)
  if not wanted then return true end
  local intent = redis.call('HGET', intents, id) or ''
  local ends = string.find(intent, '\0\1', 1, true)
  return ends and wanted[string.sub(intent, 1, ends + 1)]
end

local found = {}
for k = 3, #KEYS, 3 do
  local lines, waiting, leased = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  -- Leases that have run out: the line waits again, since when it was due.
  for _, line in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', micros(now), 'LIMIT', 0, 1000)) do
    local id = head(lines, line)
    local state = id and redis.call('HGET', states, id) or ''
    local _, _, at = string.match(state, '^(%S+) (%S+) (%S+) (%S*)$')
    redis.call('ZREM', leased, line)
    if at then redis.call('ZADD', waiting, at, line) end
  end
  local taken, passed = 0, 0
  repeat
    local due = redis.call('ZRANGEBYSCORE', waiting, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', passed, wanted and 256 or max)
    for i = 1, #due, 2 do
      local id, n = head(lines, due[i])
      if not id then
        redis.call('ZREM', waiting, due[i])
      else
        passed = passed + 1
        if taken < max and wants(id) then
          taken = taken + 1
          found[#found + 1] = {line = due[i], id = id, n = n, due = tonumber(due[i + 1]), sink = (k - 3) / 3}
        end
      end
    end
  until not wanted or #due == 0 or taken >= max
end
table.sort(found, function(a, b)
  if a.due ~= b.due then return a.due < b.due end
  return a.n < b.n
end)

local out = {}
for i = 1, math.min(max, #found) do
  local f = found[i]
  local k = 3 + 3 * f.sink
  local intent, state = redis.call('HGET', intents, f.id), redis.call('HGET', states, f.id)
  if intent and state then
    state = string.match(state, '^(%S+ %S+ %S+) ') .. ' ' .. ARGV[4] .. '-' .. i
    redis.call('HSET', states, f.id, state)
    redis.call('ZREM', KEYS[k + 1], f.line)
    redis.call('ZADD', KEYS[k + 2], micros(now + ARGV[2]), f.line)
    out[#out + 1] = {f.id, intent, state, f.sink, f.line}
  end
end
if #out > 0 then return {out, '', ''} end

-- What is due now, and waits, was passed over.
local due, free
for k = 3, #KEYS, 3 do
  local w = redis.call('ZRANGEBYSCORE', KEYS[k + 1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if w and (not due or tonumber(w) < due) then due = tonumber(w) end
  local l = redis.call('ZRANGE', KEYS[k + 2], 0, 0, 'WITHSCORES')[2]
  if l and (not free or tonumber(l) < free) then free = tonumber(l) end
end
return {out, due and micros(due) or '', free and micros(math.max(0, free - now)) or ''}
