-- The whole current schema. A new database is made from this file; an older one gets there by the steps in
-- migrations/, and a test proves both equal. Times are Unix seconds. Nothing here is special to SQLite but
-- STRICT and the search table, so that another database stays possible.

-- Single values: 'first_admin' (its INSERT decides who comes first), 'key_check' (which master key the
-- database belongs to), 'run' (the process that has it).
CREATE TABLE meta(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- What an administrator has set at run time; configuration file, environment and flags win.
CREATE TABLE settings(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  sealed BLOB,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE,             -- lower case
  name TEXT NOT NULL,
  password TEXT NOT NULL,                 -- argon2id, PHC string
  role TEXT NOT NULL CHECK(role IN('admin','user')),
  disabled_at INTEGER,
  created_at INTEGER NOT NULL,
  last_seen INTEGER,
  avatar TEXT,                            -- '/avatars/...' or an address on the OSS host
  key_sealed BLOB,                        -- the API key, bound to user and origin
  key_hint TEXT,                          -- its masked form
  key_origin TEXT,                        -- where it may be sent
  locale TEXT,
  default_model TEXT,
  system_prompt TEXT,
  cap_day INTEGER,                        -- tokens of the shared key; NULL: as configured, 0: none
  cap_month INTEGER,
  tokens_total INTEGER NOT NULL DEFAULT 0,-- of all time: deleting conversations changes no statistics
  totp_sealed BLOB,
  totp_on INTEGER NOT NULL DEFAULT 0,
  totp_step INTEGER
) STRICT;

-- Deleted when used.
CREATE TABLE recovery_codes(
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  PRIMARY KEY(user_id, code_hash)
) STRICT;

CREATE TABLE prompts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE(user_id, name)
) STRICT;

CREATE TABLE imports(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  run TEXT NOT NULL,                      -- the process that works on it; empty once it has ended
  created_at INTEGER NOT NULL,
  report TEXT NOT NULL                    -- as JSON: what became of it so far
) STRICT;
CREATE INDEX imports_user ON imports(user_id);

-- A login. Its id is the token's jti and is looked up at every request: no row, no login.
CREATE TABLE sessions(
  id TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  agent TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX sessions_user ON sessions(user_id);

CREATE TABLE invites(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code_hash TEXT NOT NULL UNIQUE,
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  uses_left INTEGER NOT NULL CHECK(uses_left >= 0)
) STRICT;

CREATE TABLE conversations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  titled_by TEXT NOT NULL CHECK(titled_by IN('prompt','user')),
  model TEXT,
  system_prompt TEXT,
  params TEXT NOT NULL DEFAULT '{}',      -- temperature and the like, for its next turns
  current_turn_id INTEGER,                -- where a message goes that names no parent
  pinned INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,                     -- in the trash since
  source TEXT,                            -- imported from, and its id there
  source_id TEXT,
  UNIQUE(id, user_id)
) STRICT;
CREATE UNIQUE INDEX conversations_source ON conversations(user_id, source, source_id) WHERE source IS NOT NULL;
CREATE INDEX conversations_list ON conversations(user_id, archived, pinned DESC, updated_at DESC, id DESC)
  WHERE deleted_at IS NULL;
CREATE INDEX conversations_trash ON conversations(deleted_at) WHERE deleted_at IS NOT NULL;

-- One prompt and its response. The turns of a conversation form a tree; a child's id is greater than its
-- parent's. There is no cascade along parent_id: SQLite's would fail on a chain of some thousand turns, so a
-- subtree is deleted by a recursive query.
CREATE TABLE turns(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  conversation_id INTEGER NOT NULL,
  parent_id INTEGER,
  client_id TEXT,                         -- the client's name for a send, which makes it repeatable
  request_hash TEXT,                      -- of that send's body
  run TEXT,                               -- the process that runs the answer; NULL once it has ended
  prompt TEXT NOT NULL,
  response TEXT NOT NULL DEFAULT '',
  reasoning TEXT NOT NULL DEFAULT '',
  reset_at INTEGER NOT NULL DEFAULT 0,    -- bytes of reasoning when the response last began anew
  system_prompt TEXT NOT NULL,
  model TEXT NOT NULL,
  params TEXT NOT NULL DEFAULT '{}',
  finish_reason TEXT,
  error TEXT,                             -- a sentence, with its code
  error_code TEXT,
  status TEXT NOT NULL CHECK(status IN('streaming','complete','stopped','truncated','interrupted','failed')),
  prompt_tokens INTEGER NOT NULL DEFAULT 0,
  completion_tokens INTEGER NOT NULL DEFAULT 0,
  cached_tokens INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens INTEGER NOT NULL DEFAULT 0,
  usage_source TEXT NOT NULL CHECK(usage_source IN('measured','estimated','none')),
  paid_by TEXT NOT NULL CHECK(paid_by IN('own','shared')),
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  source_id TEXT,                         -- of an imported one: its name where it came from
  UNIQUE(conversation_id, id),
  FOREIGN KEY(conversation_id, user_id) REFERENCES conversations(id, user_id) ON DELETE CASCADE,
  FOREIGN KEY(parent_id, conversation_id) REFERENCES turns(id, conversation_id)
) STRICT;
CREATE INDEX turns_history ON turns(user_id, id DESC);
CREATE UNIQUE INDEX turns_client ON turns(user_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX turns_children ON turns(parent_id, conversation_id);
CREATE INDEX turns_running ON turns(run) WHERE status = 'streaming';

-- Running answers are appended here, not rewritten. No key but the row's own number, on purpose: one that
-- begins with the turn would spread every save over as many pages as there are running answers.
CREATE TABLE turn_chunks(
  id INTEGER PRIMARY KEY,
  turn_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN('response','reasoning')),
  start INTEGER NOT NULL,                 -- where in the text it begins, in bytes; 0 of a second time: a reset
  text TEXT NOT NULL
) STRICT;

CREATE TABLE files(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  tokens INTEGER NOT NULL,                -- what it costs to send, estimated
  created_at INTEGER NOT NULL,
  UNIQUE(user_id, sha256, name)
) STRICT;

CREATE TABLE turn_files(
  turn_id INTEGER NOT NULL REFERENCES turns(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  file_id INTEGER NOT NULL REFERENCES files(id),
  PRIMARY KEY(turn_id, position)
) STRICT;
CREATE INDEX turn_files_file ON turn_files(file_id);

-- Tokens by quarter hours of UTC: every time zone in use is a multiple of 15 minutes away, so a day of any
-- zone is a sum of slots.
CREATE TABLE usage_slots(
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  slot INTEGER NOT NULL,                  -- Unix seconds / 900
  paid_by TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  estimated INTEGER NOT NULL,             -- of the tokens, how many are a guess
  PRIMARY KEY(user_id, slot, paid_by, model)
) STRICT;

-- Words of prompts and responses; rowid is the turn. Each begins with its owner ('u42x'), so that a search never
-- touches what others wrote; what a word is, src/store/search.rs says. The text itself is not kept twice.
CREATE VIRTUAL TABLE search USING fts5(text, content='', contentless_delete=1, tokenize='ascii');
