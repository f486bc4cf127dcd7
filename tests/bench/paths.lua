-- Requests for wrk: the paths of a file, one after the other, each thread from another one on.
local paths = {}

function setup(thread)
  offset = (offset or 0) + 17
  thread:set("position", offset)
end

function init(args)
  for path in io.lines(args[1]) do paths[#paths + 1] = path end
end

function request()
  position = position % #paths + 1
  return wrk.format("GET", paths[position])
end
