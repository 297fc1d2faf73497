// What deploy/ makes, against the schemas of those who will read it: Kubernetes' own API (its JSON
// Schemas, and its types, which also tell fields that do not exist), KEDA's and the Prometheus
// operator's resources, Docker Compose's files, and the grammar of PromQL.
//
// NOT checked: that a cluster admits the manifests (quotas, policies, names that are taken), or that
// KEDA and the operator do what they are told.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';

import {parser as promql} from '@prometheus-io/lezer-promql';
import Ajv from 'ajv';
import Ajv2019 from 'ajv/dist/2019.js';
import ts from 'typescript';
import YAML from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const deploy = join(here, '../../deploy');
const modules = {
  'apps/v1': 'kubernetes-models/apps/v1',
  'autoscaling/v2': 'kubernetes-models/autoscaling/v2',
  'batch/v1': 'kubernetes-models/batch/v1',
  'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1',
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
  'networking.k8s.io/v1': 'kubernetes-models/networking.k8s.io/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  v1: 'kubernetes-models/v1',
};

const cases = JSON.parse(execFileSync(process.env.PYTHON ?? 'python3', [join(here, 'chart.py')], {encoding: 'utf8'}));
const all = Object.entries(cases).flatMap(([name, {manifests}]) => manifests.map((manifest) => [name, manifest]));

// Problems of one manifest by its JSON Schema.
async function bySchema(manifest) {
  const {[manifest.kind]: Model} = await import(modules[manifest.apiVersion]);
  try {
    new Model(manifest).validate();
    return [];
  } catch (problem) {
    return [problem.message];
  }
}

// Problems of many manifests by their types: a literal may not have fields that its type has not.
function byTypes(manifests) {
  const file = join(here, 'manifests.ts');
  const lines = manifests.map(
    (manifest, at) => `import type {I${manifest.kind} as T${at}} from ${JSON.stringify(modules[manifest.apiVersion])};`,
  );
  manifests.forEach((manifest, at) => lines.push(`export const m${at}: T${at} = ${JSON.stringify(manifest)};`));
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: ts.ScriptTarget.ESNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const {getSourceFile, fileExists, readFile} = host;
  const text = lines.join('\n');
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, options.target) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((problem) => {
    const line = problem.file ? problem.file.getLineAndCharacterOfPosition(problem.start).line : 0;
    return `${lines[line]?.slice(0, 60)}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
  });
}

test('every manifest of the chart obeys the schema of its kind', async () => {
  assert.ok(all.length > 50);
  for (const [name, manifest] of all) {
    assert.deepEqual(await bySchema(manifest), [], `${name}: ${manifest.kind} ${manifest.metadata.name}`);
  }
});

test('no manifest of the chart has a field that Kubernetes does not know', () => {
  assert.deepEqual(byTypes(all.map(([, manifest]) => manifest)), []);
});

test('a wrong manifest would be found', async () => {
  const deployment = structuredClone(cases.default.manifests.find(({kind}) => kind === 'Deployment'));
  deployment.spec.replicas = 'two';
  assert.match((await bySchema(deployment)).join(), /replicas must be integer/);
  const misplaced = structuredClone(cases.default.manifests.find(({kind}) => kind === 'Deployment'));
  misplaced.spec.template.spec.containers[0].enableServiceLinks = false;
  assert.match(byTypes([misplaced]).join(), /enableServiceLinks/);
  const scaled = structuredClone(cases.keda.manifests.find(({kind}) => kind === 'ScaledObject'));
  scaled.spec.triggers[0].metadata.targetQueryValue = 5;
  assert.match((await bySchema(scaled)).join(), /targetQueryValue must be string/);
  scaled.spec.triggers[0].metadata.targetQueryValue = '5';
  scaled.spec.minReplicas = 0;
  assert.match(byTypes([scaled]).join(), /minReplicas/);
});

test('the values obey their schema, by a second reader of schemas', () => {
  const schema = JSON.parse(readFileSync(join(deploy, 'helm/weir/values.schema.json'), 'utf8'));
  const valid = new Ajv({allErrors: true, strictTypes: false}).compile(schema);
  for (const [name, {values}] of Object.entries(cases)) {
    assert.ok(valid(values), `${name}: ${JSON.stringify(valid.errors)}`);
  }
  assert.ok(!valid({...cases.default.values, wroker: {}}));
});

test('compose.yaml obeys the schema of Docker Compose', () => {
  const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const schema = JSON.parse(readFileSync(join(folder, 'schemas/compose.schema.json'), 'utf8'));
  delete schema.$schema;
  const valid = new Ajv2019({allErrors: true, strict: false, validateFormats: false}).compile(schema);
  const compose = YAML.parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), {merge: true});
  assert.ok(valid(compose), JSON.stringify(valid.errors));
  compose.services['worker-1'].commands = ['jobs'];
  assert.ok(!valid(compose));
});

test('every expression of dashboard, alerts and chart is PromQL', () => {
  const wrong = (expression) => {
    let problems = 0;
    promql.parse(expression).iterate({enter: (node) => void (problems += node.type.isError)});
    return problems > 0;
  };
  assert.ok(wrong('sum(rate(x[5m])'));
  const alerts = YAML.parse(readFileSync(join(deploy, 'prometheus/alerts.yaml'), 'utf8'));
  const dashboard = JSON.parse(readFileSync(join(deploy, 'grafana/weir-jobs.json'), 'utf8'));
  const expressions = [
    cases.default.values.autoscaling.keda.prometheus.query,
    ...alerts.groups.flatMap(({rules}) => rules.map(({expr}) => expr)),
    ...dashboard.panels.flatMap(({targets = []}) => targets.map(({expr}) => expr)),
  ];
  assert.ok(expressions.length > 30);
  for (const expression of expressions) {
    assert.ok(!wrong(expression.replaceAll('$__rate_interval', '5m')), expression);
  }
});
