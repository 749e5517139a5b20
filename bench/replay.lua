-- Replays prepared requests: one string a request, made before the first is sent, since
-- formatting each would be the limit. DELAY_MS makes each connection wait before every
-- request, for less than full load. Prints what was answered in one line at the end.

local requests = {}
local at = 0
local wait = tonumber(os.getenv("DELAY_MS") or "0")

-- A line of the file as a request; a script that makes something else of it says so first.
prepare = prepare or function(line)
  return wrk.format("GET", line)
end

-- Arguments: the file, where in it to begin, and what `prepare` asks for.
function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = prepare(line, #requests, args[3])
  end
  at = tonumber(args[2] or "0") % #requests
end

function request()
  at = at % #requests + 1
  return requests[at]
end

if wait > 0 then
  function delay()
    return wait
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "answered %d %d %d %d\n",
    summary.requests,
    summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(99)
  ))
end
