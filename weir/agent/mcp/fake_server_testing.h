#pragma once

// A server over stdio for tests: a Python program whose tools and habits are those that matter.

#include <string_view>

namespace weir::agent::mcp {

// Its argument is a habit: see HABIT in it.
inline constexpr std::string_view kFakeServer = R"py(
import json, os, signal, sys, time

HABIT = sys.argv[1] if len(sys.argv) > 1 else ''
TOOLS = ['echo', 'hold', 'release', 'count', 'cancelled', 'crash', 'endless', 'ask', 'refuse',
         'fail', 'log', 'grow', 'env', 'deaf', 'odd']
held, cancelled, asked, listed = [], [], {}, 0

def send(message):
    text = json.dumps({'jsonrpc': '2.0', **message}) + '\n'
    if HABIT == 'bytewise':
        for byte in text.encode():
            os.write(1, bytes([byte]))
            time.sleep(0.0005)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()

def answer(ident, text, **more):
    send({'id': ident, 'result': {'content': [{'type': 'text', 'text': text}], **more}})

def initialize(ident, params):
    if HABIT == 'slow':
        sys.stderr.write('still warming up\n')
        sys.stderr.flush()
        return
    if HABIT == 'stranger':
        send({'id': ident, 'error': {'code': -32602, 'message': 'go away'}})
        return
    version = {'old': '2024-11-05', 'older': '2025-03-26', 'new': '2099-01-01'}
    send({'id': ident, 'result': {
        'protocolVersion': version.get(HABIT, params['protocolVersion']),
        'capabilities': {} if HABIT == 'toolless' else {'tools': {'listChanged': True}},
        'serverInfo': {'name': 'fake', 'version': '1'}}})

def list_tools(ident, params):
    global listed
    listed += 1
    if HABIT == 'toolless':
        send({'id': ident, 'error': {'code': -32601, 'message': 'no tools here'}})
        return
    first = int(params.get('cursor', 0)) if HABIT != 'endless' else 0
    count = 3 if HABIT == 'paged' else len(TOOLS)
    page = [{'name': name, 'description': 'does ' + name, 'inputSchema': {'type': 'object'},
             'annotations': {'readOnlyHint': name == 'echo'}} for name in TOOLS[first:first + count]]
    result = {'tools': page}
    if first + count < len(TOOLS) or HABIT == 'endless':
        result['nextCursor'] = str(first + count)
    send({'id': ident, 'result': result})

def call(ident, params):
    name, given = params['name'], params['arguments']
    if name == 'echo':
        answer(ident, given.get('text', ''))
    elif name == 'hold':
        held.append((ident, given.get('text', '')))
    elif name == 'release':
        answer(ident, 'released %d' % len(held))
        for waiting, text in reversed(held):
            answer(waiting, text)
        held.clear()
    elif name == 'count':
        token = params.get('_meta', {}).get('progressToken')
        for step in (1, 2):
            send({'method': 'notifications/progress', 'params': {
                'progressToken': token, 'progress': step, 'total': 2, 'message': 'step'}})
        answer(ident, 'counted' if token is not None else 'nobody listens')
    elif name == 'cancelled':
        answer(ident, ' '.join(cancelled))
    elif name == 'crash':
        sys.stderr.write('x' * 9000 + '\nfatal: token=' + os.environ.get('API_TOKEN', 'none') + '\n')
        sys.stderr.flush()
        os._exit(3)
    elif name == 'endless':
        sys.stdout.write('x' * 300000)
        sys.stdout.flush()
    elif name == 'ask':
        asked['for'], asked['told'] = ident, []
        for number, method in enumerate(['ping', 'roots/list', 'sampling/createMessage']):
            send({'id': 'q%d' % number, 'method': method, 'params': {}})
    elif name == 'refuse':
        send({'id': ident, 'error': {'code': -32602, 'message': 'bad city'}})
    elif name == 'fail':
        answer(ident, 'disk full', isError=True)
    elif name == 'log':
        send({'method': 'notifications/message',
              'params': {'level': 'warning', 'logger': 'disk', 'data': {'free': 0}}})
        answer(ident, 'logged')
    elif name == 'grow':
        if 'grown' not in TOOLS:
            TOOLS.append('grown')
        send({'method': 'notifications/tools/list_changed'})
        answer(ident, 'listed %d' % listed)
    elif name == 'odd':
        send({'id': ident, 'result': ['no', 'object']})
    elif name == 'env':
        answer(ident, ' '.join(sorted(f'{name}={value}' for name, value in os.environ.items())))
    elif name == 'deaf':
        answer(ident, str(os.getpid()))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(60)
    else:
        send({'id': ident, 'error': {'code': -32602, 'message': 'no tool ' + name}})

if HABIT == 'dies':
    sys.stderr.write('no database\n')
    sys.exit(4)
if HABIT == 'banner':
    print('Fake server 1.0\n\nlistening on stdio\n{"half": ')
    sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    method, ident = message.get('method'), message.get('id')
    if method == 'initialize':
        initialize(ident, message['params'])
    elif method == 'tools/list':
        list_tools(ident, message.get('params', {}))
    elif method == 'tools/call':
        call(ident, message['params'])
    elif method == 'notifications/cancelled':
        cancelled.append('%s:%s' % (message['params']['requestId'], message['params']['reason']))
    elif method is None and asked:
        asked['told'].append(json.dumps(message.get('result', message.get('error', {}).get('code'))))
        if len(asked['told']) == 3:
            answer(asked['for'], ' '.join(asked['told']))
)py";

}  // namespace weir::agent::mcp
