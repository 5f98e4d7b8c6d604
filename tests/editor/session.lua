-- A session in Neovim. Writes what the editor shows to the file in RECORD.
local record = {}

local function note(text)
  table.insert(record, text)
end

local function finish(code)
  vim.fn.writefile(record, vim.env.RECORD)
  vim.cmd('cquit ' .. code)
end

-- Waits until `find` returns a value, and returns it.
local function await(what, find)
  local found
  local there = vim.wait(15000, function()
    found = find()
    return found
  end, 5)
  if not there then
    note('NOT SEEN: ' .. what)
    finish(1)
  end
  return found
end

local function open(path)
  vim.cmd('edit ' .. path)
  await('a client of ' .. path, function()
    local clients = vim.lsp.get_clients and vim.lsp.get_clients({ bufnr = 0 })
      or vim.tbl_values(vim.lsp.buf_get_clients(0))
    return clients[1] and clients[1].initialized and clients[1]
  end)
end

local function go_to(line, text)
  for number, written in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    if written:find(line, 1, true) then
      vim.api.nvim_win_set_cursor(0, { number, written:find(text, 1, true) - 1 })
      return
    end
  end
  note('NO LINE: ' .. line)
  finish(1)
end

local function shown()
  local all = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    local severity = vim.diagnostic.severity[one.severity]
    local code = one.code or one.user_data.lsp.code
    table.insert(all, string.format('%s %03d:%02d %s', severity, one.lnum + 1, one.col + 1, code))
  end
  table.sort(all)
  return all
end

local function floating()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return window
    end
  end
end

local function has(rule)
  return vim.tbl_filter(function(line)
    return line:find(rule, 1, true)
  end, shown())[1]
end

-- Findings of a manifest.
open('manifests/gateway-failing.yaml')
await('findings', function()
  return #vim.diagnostic.get(0) > 0
end)
note('# findings of the manifest')
vim.tbl_map(note, shown())

-- A fix, chosen from the menu, resolves one of them.
go_to('- name: datastorage', 'datastorage')
vim.ui.select = function(items, options, choose)
  for _, item in ipairs(items) do
    note('# fix: ' .. (options.format_item and options.format_item(item) or item.title))
  end
  choose(items[1], 1)
end
local before = vim.api.nvim_buf_get_lines(0, 0, -1, false)
vim.lsp.buf.code_action()
await('the edit', function()
  return vim.api.nvim_buf_line_count(0) > #before
end)
note('# inserted lines')
for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
  if number > 20 and number <= 20 + vim.api.nvim_buf_line_count(0) - #before then
    note(line)
  end
end
await('the finding to go', function()
  return not has('probe-missing')
end)
note('# findings afterwards')
vim.tbl_map(note, shown())
vim.cmd('edit!')

-- A finding of an unsaved template.
open('project/templates/datastorage/service.yaml')
go_to('nodePort:', 'nodePort:')
local line = vim.api.nvim_get_current_line()
vim.api.nvim_set_current_line((line:gsub('expose', 'expsoe')))
note('# findings of the unsaved template')
note(await('the finding in the template', function()
  return has('template-name-unknown')
end))
vim.api.nvim_set_current_line(line)
await('the finding in the template to go', function()
  return not has('template-name-unknown')
end)

-- Hover and definition of an expression.
go_to('nodePort:', 'expose.nodePort')
vim.api.nvim_win_set_cursor(0, { vim.fn.line('.'), vim.fn.col('.') + 7 })
vim.lsp.buf.hover()
local window = await('the hover', floating)
note('# hover')
vim.tbl_map(note, vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false))
vim.api.nvim_win_close(window, true)
vim.lsp.buf.definition()
local places = await('places', function()
  local places = vim.fn.getqflist()
  return #places > 0 and places
end)
vim.cmd('cclose')
for number, place in ipairs(places) do
  if vim.fn.bufname(place.bufnr):find('profiles/gateway.yaml', 1, true) then
    vim.cmd('cc ' .. number)
  end
end
note('# definition')
note(vim.fn.fnamemodify(vim.fn.bufname(), ':t') .. ':' .. vim.fn.line('.') .. ': ' .. vim.api.nvim_get_current_line())
finish(0)
