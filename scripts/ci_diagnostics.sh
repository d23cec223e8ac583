#!/usr/bin/env bash
# Thirteen checks along the path from an engine's metrics to a VariantAutoscaling's status: which link is broken, and
# what mends it. Needs bash and kubectl, nothing else. Exit 0: all pass; 1: a check failed; 2: usage; 3: no cluster.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: ci_diagnostics.sh [--namespace NS] [--operator-namespace NS] [--prometheus NS/SERVICE:PORT] [--out DIR]
  --namespace            where the VariantAutoscaling objects are (default: every namespace that has one)
  --operator-namespace   where Penstock runs (default: penstock-system)
  --prometheus           the Prometheus Service (default: taken from penstock-config, key prometheusURL)
  --out                  folder for everything that was looked at (default: diagnostics)
TEXT
}

namespace="" operator=penstock-system prometheus="" out=diagnostics
while [ $# -gt 0 ]; do
  case "$1" in
    --namespace) namespace=${2:?}; shift 2 ;;
    --operator-namespace) operator=${2:?}; shift 2 ;;
    --prometheus) prometheus=${2:?}; shift 2 ;;
    --out) out=${2:?}; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

mkdir -p "$out" || exit 2
failures=0 number=0 found="" bad="" remedy=""
newline=$'\n'

k() { kubectl --request-timeout=10s "$@"; }
keep() { cat > "$out/$1"; }                                     # keep FILE: standard input into the folder
group() { [ -z "${GITHUB_ACTIONS:-}" ] || echo "::group::$1"; }
endgroup() { [ -z "${GITHUB_ACTIONS:-}" ] || echo "::endgroup::"; }

fault() { # fault WHAT REMEDY: the present check fails; the first remedy is shown, all faults are
  bad="$bad${bad:+; }$1"
  [ -n "$remedy" ] || remedy=$2
}

check() { # check TITLE FUNCTION: runs one check and prints its line
  number=$((number + 1)) found="" bad="" remedy=""
  "$2"
  if [ -z "$bad" ]; then
    printf '✓ %2d %-28s %s\n' "$number" "$1" "$found"
  else
    printf '✗ %2d %-28s %s\n     fix: %s\n' "$number" "$1" "$bad" "$remedy"
    [ -z "${GITHUB_ACTIONS:-}" ] || echo "::error title=check $number $1::$bad. $remedy"
    failures=$((failures + 1))
  fi
}

# --- what there is: one line a variant: namespace, name, model, target kind, target name, class ref, slo ---------
all=(--all-namespaces)
[ -z "$namespace" ] || all=(--namespace "$namespace")

if ! k version > "$out/00-version.txt" 2>&1; then
  echo "error: the cluster does not answer"; echo "  at:  $(k config current-context 2>&1)"; echo "  fix: set KUBECONFIG to a cluster that runs"
  exit 3
fi

variants=$(k get variantautoscalings.llmd.ai "${all[@]}" -o go-template='{{range .items}}{{.metadata.namespace}}|{{.metadata.name}}|{{.spec.modelID}}|{{if .spec.scaleTargetRef}}{{.spec.scaleTargetRef.kind}}|{{.spec.scaleTargetRef.name}}{{else}}Deployment|{{.metadata.name}}{{end}}|{{if .spec.sloClassRef}}{{.spec.sloClassRef.name}}{{end}}|{{if .spec.slo}}own{{end}}{{"\n"}}{{end}}' 2> "$out/00-variants.err")
echo "$variants" | keep 00-variants.txt

each() { # each FUNCTION: calls it once a variant with its seven fields
  local ns name model kind target class slo
  while IFS='|' read -r ns name model kind target class slo; do
    [ -z "$ns" ] || "$1" "$ns" "$name" "$model" "$kind" "$target" "$class" "$slo"
  done <<< "$variants"
}

pods_of() { # pods_of NS KIND NAME: names of the pods that a workload selects
  local labels
  labels=$(k -n "$1" get "$2" "$3" -o go-template='{{range $k, $v := .spec.selector.matchLabels}}{{$k}}={{$v}},{{end}}' 2> /dev/null) || return 0
  [ -z "$labels" ] || k -n "$1" get pods -l "${labels%,}" -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' 2> /dev/null
}

port_of() { # port_of NS POD: its port called metrics or http, else its first one
  local ports
  ports=$(k -n "$1" get pod "$2" -o jsonpath='{range .spec.containers[*].ports[*]}{.name}={.containerPort}{"\n"}{end}' 2> /dev/null)
  { grep -E '^(metrics|http)=' <<< "$ports" || echo "$ports"; } | head -n 1 | cut -d= -f2
}

scraped() { # scraped NS POD: what its metrics endpoint says, kept in the folder
  local file="$out/03-metrics-$1-$2.txt"
  [ -s "$file" ] || k get --raw "/api/v1/namespaces/$1/pods/$2:$(port_of "$1" "$2")/proxy/metrics" > "$file" 2> "$file.err"
  cat "$file"
}

# --- the checks --------------------------------------------------------------------------------------------------
namespaces() {
  local ns
  for ns in $operator $(cut -d'|' -f1 <<< "$variants" | sort -u) $namespace; do
    if k get namespace "$ns" > /dev/null 2>&1; then found="$found${found:+, }$ns"; else
      fault "namespace $ns does not exist" "kubectl create namespace $ns, or name the right one with --namespace or --operator-namespace"
    fi
  done
}

running() { each running_one; }
running_one() {
  local ns=$1 kind=$4 target=$5 pods pod ready
  pods=$(pods_of "$ns" "$kind" "$target")
  if [ -z "$pods" ]; then
    fault "$kind $ns/$target has no pods" "kubectl -n $ns get ${kind,,} $target; kubectl -n $ns describe ${kind,,} $target"
    return
  fi
  for pod in $pods; do
    ready=$(k -n "$ns" get pod "$pod" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')
    if [ "$ready" = True ]; then found="$found${found:+, }$pod"; else
      fault "pod $ns/$pod is not ready" "kubectl -n $ns describe pod $pod; kubectl -n $ns logs $pod"
    fi
  done
}

reachable() { each reachable_one; }
reachable_one() {
  local ns=$1 pod
  for pod in $(pods_of "$ns" "$4" "$5"); do
    if [ -n "$(scraped "$ns" "$pod")" ]; then found="$found${found:+, }$pod"; else
      fault "no answer from $ns/$pod:$(port_of "$ns" "$pod")/metrics" "name the serving port 'http' or 'metrics' in the pod and check that the engine listens on it: kubectl -n $ns logs $pod"
    fi
  done
}

series() { each series_one; }
series_one() {
  local ns=$1 pod count
  for pod in $(pods_of "$ns" "$4" "$5"); do
    count=$(scraped "$ns" "$pod" | grep -c '^vllm:')
    if [ "$count" -gt 0 ]; then found="$found${found:+, }$pod $count"; else
      fault "$ns/$pod exports no vllm:* series" "run an image that exports vLLM's metrics, and do not disable them (--disable-log-stats)"
    fi
  done
}

labels() { each labels_one; }
labels_one() {
  local ns=$1 name=$2 model=$3 pod names
  for pod in $(pods_of "$ns" "$4" "$5"); do
    names=$(scraped "$ns" "$pod" | sed -n 's/^vllm:num_requests_running{.*model_name="\([^"]*\)".*/\1/p' | sort -u)
    if grep -qxF -- "$model" <<< "$names"; then found="$found${found:+, }$pod $model"; elif [ -z "$names" ]; then
      fault "$ns/$pod has no model_name label" "start the engine with --served-model-name $model"
    else
      names=$(head -n 1 <<< "$names")
      fault "$ns/$pod reports model_name=\"$names\", $name says \"$model\"" "kubectl -n $ns patch va $name --type merge -p '{\"spec\":{\"modelID\":\"$names\"}}', or --served-model-name $model"
    fi
  done
}

services() { each services_one; }
services_one() {
  local ns=$1 kind=$4 target=$5 service pod
  pod=$(pods_of "$ns" "$kind" "$target" | head -n 1)
  for service in $(k -n "$ns" get endpointslices -o go-template='{{range .items}}{{$s := index .metadata.labels "kubernetes.io/service-name"}}{{range .endpoints}}{{if .targetRef}}{{$s}}|{{.targetRef.name}}{{"\n"}}{{end}}{{end}}{{end}}' 2> /dev/null | grep -F "|$pod" | cut -d'|' -f1 | sort -u); do
    found="$found${found:+, }$service"
    return
  done
  fault "no Service of $ns leads to the pods of $target" "create one whose selector matches their labels: kubectl -n $ns expose ${kind,,} $target --name $target --port 8000"
}

monitors() {
  local kinds
  kinds=$(k api-resources --api-group monitoring.coreos.com -o name 2> /dev/null)
  if [ -z "$kinds" ]; then found="no Prometheus operator here: check 9 tells whether Prometheus finds the pods"; else each monitors_one; fi
}
monitors_one() {
  local ns=$1 kind=$4 target=$5 pods have
  pods=$(pods_of "$ns" "$kind" "$target" | head -n 1)
  have=$(selecting "$ns" servicemonitors "$(k -n "$ns" get services -o go-template="$label_lines" 2> /dev/null)" ||
    selecting "$ns" podmonitors "$(k -n "$ns" get pod "$pods" -o go-template="$label_line" 2> /dev/null)")
  if [ -n "$have" ]; then found="$found${found:+, }$have"; else
    fault "no ServiceMonitor or PodMonitor selects the Service or the pods of $ns/$target" "create one whose spec.selector.matchLabels are labels of the Service: kubectl -n $ns get services --show-labels"
  fi
}
label_line='{{range $k, $v := .metadata.labels}}[{{$k}}={{$v}}]{{end}}{{"\n"}}'
label_lines="{{range .items}}$label_line{{end}}"

selecting() { # selecting NS MONITORS LABELS: the first monitor all of whose matchLabels stand in one line of LABELS
  local ns name wanted line label
  while IFS='|' read -r ns name wanted; do
    [ -n "$name" ] || continue
    while read -r line; do
      for label in $wanted; do grep -qF "[$label]" <<< "$line" || continue 2; done
      echo "$name"
      return 0
    done <<< "$3"
  done <<< "$(k get "$2.monitoring.coreos.com" --all-namespaces -o go-template='{{range .items}}{{.metadata.namespace}}|{{.metadata.name}}|{{range $k, $v := .spec.selector.matchLabels}}{{$k}}={{$v}} {{end}}{{"\n"}}{{end}}' 2> /dev/null)"
  return 1
}

where_prometheus() { # from NS/SERVICE:PORT, or from http://SERVICE.NS.svc…:PORT in penstock-config
  local url host
  if [ -z "$prometheus" ]; then
    url=$(k -n "$operator" get configmap penstock-config -o jsonpath='{.data.prometheusURL}' 2> /dev/null)
    host=${url#*://} host=${host%%/*}
    [ "${host#*:}" != "$host" ] || host="$host:80"
    prometheus=$(sed -n 's/^\([^.]*\)\.\([^.:]*\)[^:]*:\(.*\)$/\2\/\1:\3/p' <<< "$host")
  fi
  [ -n "$prometheus" ]
}

ask() { # ask QUERY (already escaped for a URL): the answer of Prometheus, through the API server
  k get --raw "/api/v1/namespaces/${prometheus%%/*}/services/${prometheus#*/}/proxy/api/v1/query?query=$1" 2>&1
}

prometheus_up() {
  if ! where_prometheus; then
    fault "no prometheusURL of the form http://SERVICE.NAMESPACE.svc:PORT in $operator/penstock-config" "kubectl -n $operator patch configmap penstock-config -p '{\"data\":{\"prometheusURL\":\"http://prometheus.monitoring.svc:9090\"}}', or --prometheus"
  elif ask up | keep 08-prometheus.txt; grep -q '"status":"success"' "$out/08-prometheus.txt"; then found=$prometheus; else
    fault "Prometheus $prometheus does not answer: $(head -c 200 "$out/08-prometheus.txt" | tr '\n' ' ')" "kubectl -n ${prometheus%%/*} get pods,services; correct prometheusURL in $operator/penstock-config"
  fi
}

queried() {
  if ! where_prometheus; then fault "no Prometheus to ask" "mend check 8 first"; else each queried_one; fi
}
queried_one() {
  local ns=$1 model=$3 answer escaped
  escaped=$(sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/&/%26/g; s/+/%2B/g' <<< "$model")
  answer=$(ask "vllm:num_requests_running%7Bmodel_name%3D%22$escaped%22%2Cnamespace%3D~%22$ns%7C%22%7D")
  echo "$answer" | keep "09-query-$ns-$2.txt"
  if grep -q '"metric":' <<< "$answer"; then found="$found${found:+, }$model"; else
    fault "Prometheus has no vllm:num_requests_running with model_name=\"$model\" of $ns" "look at its targets page: kubectl -n ${prometheus%%/*} port-forward service/${prometheus#*/}, /targets; a ServiceMonitor, a PodMonitor or the annotation prometheus.io/scrape must select the pods"
  fi
}

objects() {
  local count
  count=$(grep -c '|' <<< "$variants")
  if [ "$count" -gt 0 ]; then found="$count, $(cut -d'|' -f2 <<< "$variants" | tr '\n' ' ')"; else
    fault "no VariantAutoscaling${namespace:+ in $namespace} ($(head -n 1 "$out/00-variants.err"))" "kubectl apply -k crds (or helm install), then apply a VariantAutoscaling: examples/"
  fi
}

statuses() { each statuses_one; }
statuses_one() {
  local ns=$1 name=$2 line
  line=$(k -n "$ns" get va "$name" -o go-template='{{.metadata.generation}}|{{if .status}}{{.status.observedGeneration}}|{{range .status.conditions}}{{.type}}={{.status}} ({{.reason}}: {{.message}}) {{end}}|{{if .status.desiredOptimizedAlloc}}{{.status.desiredOptimizedAlloc.numReplicas}}{{end}}{{else}}||{{end}}')
  k -n "$ns" get va "$name" -o yaml | keep "11-va-$ns-$name.yaml"
  IFS='|' read -r generation observed conditions desired <<< "$line"
  if [ -z "$observed" ]; then
    fault "$ns/$name has no status" "the operator does not see it: check 12, its watchNamespaces, and the label wva.llmd.ai/controller-instance"
  elif [ "$observed" != "$generation" ]; then
    fault "$ns/$name: status is of generation $observed, the object of $generation" "the operator is behind: check 12"
  elif ! grep -qE '(^| )Ready=True' <<< "$conditions" || [ "$desired" = "<no value>" ] || [ -z "$desired" ]; then
    fault "$ns/$name: $(grep -oE '(Ready|MetricsAvailable|OptimizationReady|TargetResolved)=(False|Unknown) \([^)]*\)' <<< "$conditions" | head -n 1)" "do what the condition says: kubectl -n $ns describe va $name"
  else
    found="$found${found:+, }$name desired $desired"
  fi
}

logs() {
  local file="$out/12-operator.log"
  if ! k -n "$operator" logs -l app.kubernetes.io/name=penstock,app.kubernetes.io/component=operator --tail=200 > "$file" 2>&1 || [ ! -s "$file" ]; then
    fault "no log of an operator in $operator ($(head -n 1 "$file"))" "kubectl -n $operator get pods; kubectl -n $operator rollout status deployment/penstock-operator"
  elif grep -q 'Traceback (most recent call last)' "$file"; then
    fault "the operator's log holds a traceback" "see $file, and report it with the file"
  elif [ "$(tail -n 40 "$file" | grep -c 'Metrics unavailable')" -gt 0 ]; then
    fault "the operator says: $(grep 'Metrics unavailable' "$file" | tail -n 1 | cut -c1-300)" "mend the first failing check above; the line names namespace, variant and reason"
  else
    found="$(grep -c 'Optimization completed successfully' "$file") x Optimization completed successfully in the last 200 lines"
  fi
}

classes() { each classes_one; }
classes_one() {
  local ns=$1 name=$2 model=$3 class=${6:-service-classes-config} slo=$7 text="" where
  if [ -n "$slo" ]; then found="$found${found:+, }$name has spec.slo"; return; fi
  for where in "$operator" workload-variant-autoscaler-system; do
    text="$text$newline$(k -n "$where" get configmap "$class" -o go-template='{{range $k, $v := .data}}{{$v}}{{"\n"}}{{end}}' 2> /dev/null)"
  done
  if grep -qE "model:[[:space:]]*[\"']?$(sed 's/[][\.*^$/]/\\&/g' <<< "$model")[\"']?[[:space:]]*\$" <<< "$text"; then
    found="$found${found:+, }$model in $class"
  elif [ -z "${text//[[:space:]]/}" ] && [ -z "$6" ]; then
    found="$found${found:+, }$name: no class, the operator's defaultSLO holds"
  else
    fault "$model is in no class of $class" "add it under data of a class in ConfigMap $operator/$class, or set spec.slo of $ns/$name"
  fi
}

# --- run, and keep the rest --------------------------------------------------------------------------------------
group "Penstock diagnostics"
check "namespaces" namespaces
check "engine pods" running
check "metrics endpoint" reachable
check "vLLM series" series
check "model_name label" labels
check "Services" services
check "ServiceMonitors" monitors
check "Prometheus" prometheus_up
check "Prometheus has the series" queried
check "VariantAutoscaling objects" objects
check "their status" statuses
check "operator log" logs
check "service class" classes
endgroup

group "What else was kept in $out"
k get variantautoscalings.llmd.ai,workloadpolicies.penstock.dev --all-namespaces -o wide 2>&1 | tee "$out/20-objects.txt"
k get pods --all-namespaces -o wide > "$out/21-pods.txt" 2>&1
k get events --all-namespaces --sort-by=.lastTimestamp > "$out/22-events.txt" 2>&1
k get workloadpolicies.penstock.dev --all-namespaces -o yaml > "$out/23-policies.yaml" 2>&1
k -n "$operator" get configmaps -o yaml > "$out/24-configmaps.yaml" 2>&1
k get deployments,replicasets,services,endpointslices --all-namespaces -o wide > "$out/25-workloads.txt" 2>&1
k logs --all-namespaces -l app.kubernetes.io/name=penstock,app.kubernetes.io/component=router --tail=200 --prefix > "$out/26-routers.log" 2>&1
ls "$out"
endgroup

echo "$((13 - failures)) of 13 checks pass; everything looked at is in $out"
[ "$failures" = 0 ]
