"""What WVA did wrong or could not do, row by row, and the test of ours that fails when it comes back.

Rows of `USERS` are what its users reported, by the numbers of their issues; those of `OCTOBER_2025` and `FEBRUARY_2026`
were found by reading these two states of its code. A test is named by file under tests/ and function, and by the id of
one parameter where one row of a table is meant.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One defect: `what` went wrong, the `tests` that keep it out, and what of it cannot befall us, and why."""

    source: str
    what: str
    tests: tuple[str, ...] = ()
    not_ours: str = ""


_DECIDE, _DEFECTS, _WVA = (f"unit/scaling/test_{name}.py::test_" for name in ("decide", "defects", "wva_defects"))
_MATRIX: Final = "unit/status/test_behaviour_matrix.py::test_status_gauges_log_and_event_agree"
_VARIANTS: Final = "integration/controller/test_variants.py::test_"
_COLLECT: Final = "integration/telemetry/test_collect.py::test_"
_ASKED: Final = "unit/regressions/test_asked_for.py::test_"

USERS: Final = (
    Row(
        "#741, #93",
        "Sizes rested on how full engines were; targets of latency, and classes of service, counted for nothing.",
        (f"{_ASKED}a_stricter_class_gets_more_replicas", "unit/scaling/test_terms.py::test_targets"),
    ),
    Row(
        "#1071, #1433",
        "Starts take minutes, and nothing looked ahead or counted what was already on its way.",
        (f"{_WVA}slow_starts_are_run_ahead_of", f"{_WVA}what_starts_is_not_asked_for_again"),
    ),
    Row(
        "#1352",
        "The number itself had neither window nor limit of speed; all of that was left to an HPA.",
        (f"{_WVA}nothing_is_shed_at_once", "unit/scaling/test_rates.py::test_a_number_moves_no_faster"),
    ),
    Row(
        "#1316",
        "Gauge, Prometheus, adapter and HPA stood between a decision and a replica.",
        (
            f"{_VARIANTS}full_engines_get_help_through_scale",
            "unit/controller/test_actuate.py::test_decision_is_applied_from_the_count_that_was_seen",
        ),
    ),
    Row(
        "#590, #80",
        "Nobody could see why a number was chosen, what it cost, or how well targets were met.",
        (
            f"{_DECIDE}the_summary_says_what_is_true_of_this_pass",
            "unit/status/test_gauges.py::test_healthy",
            "unit/status/test_gauges.py::test_what_is_measured_is_shown_and_what_is_not_is_absent",
        ),
    ),
    Row(
        "#769",
        "A number that could not be reached kept a model from growing and from shrinking.",
        (
            "unit/scaling/test_invariants.py::test_no_state_blocks_both_directions",
            "unit/scaling/test_invariants.py::test_once_a_disturbance_is_over_the_number_moves_both_ways",
            f"{_WVA}start_ups_that_fail_are_not_counted_on_for_ever",
        ),
    ),
    Row(
        "#360",
        "A gauge that was missing counted as zero, so that its engine looked idle.",
        (
            f"{_WVA}a_pod_that_lacks_a_series_is_not_taken_for_idle",
            "unit/telemetry/test_rows.py::test_what_nobody_said_is_absent_not_zero",
        ),
    ),
    Row(
        "#385, #380",
        "Old series, and those of pods that are no more, were taken for load.",
        (
            f"{_WVA}series_of_dead_pods_raise_and_keep_nothing",
            f"{_MATRIX}[stale series]",
            f"{_COLLECT}a_silent_pod_is_stale_with_its_own_time",
        ),
    ),
    Row(
        "#1198, #1500",
        "Capacity in tokens ran away where a cache's size was not found, and saw no line before half-empty caches.",
        (
            f"{_VARIANTS}tokens_decide_where_wvas_entry_says_so",
            f"{_WVA}a_line_before_half_empty_caches_is_seen",
            "unit/engine/test_learning.py::test_nothing_moves_a_coefficient_beyond_its_bound",
        ),
    ),
    Row(
        "#1074",
        "A Prometheus without TLS was refused.",
        ("unit/telemetry/test_cautions.py::test_plain_http_is_warned_of_and_not_refused",),
    ),
    Row(
        "#1044, #197",
        "Two controllers, or two objects, could move one target.",
        (
            f"{_DECIDE}variants_of_another_controller_get_no_decision",
            f"{_DECIDE}the_older_of_two_variants_scales_a_shared_target",
            "integration/controller/test_failures.py::test_two_operators_one_acts_and_the_other_takes_over",
        ),
    ),
    Row(
        "#813",
        "What an endpoint picker holds back was not seen.",
        (f"{_WVA}what_waits_in_pickers_is_seen", f"{_COLLECT}pickers_tell_what_waits_for_a_model"),
    ),
    Row(
        "#1211, #1213, #1358",
        "Pods of a LeaderWorkerSet were counted one by one; prefill and decode were taken for equals.",
        (
            "unit/controller/test_targets.py::test_workers_of_a_group_are_no_replicas",
            "unit/controller/test_hardware.py::test_leader_worker_set_counts_the_group",
        ),
        not_ours="Prefill and decode are not sized apart: a known limit, named in the changelog.",
    ),
    Row(
        "#364",
        "Status and gauge told different numbers.",
        (
            f"{_MATRIX}[all is well]",
            "unit/status/test_summary.py::test_what_runs_is_one_number_everywhere_once_it_was_changed",
        ),
    ),
    Row(
        "#324",
        "An object that nobody touched was not looked at again.",
        (
            "unit/controller/test_loops.py"
            "::test_passes_come_at_the_interval_that_is_set_although_nothing_happens[passes succeed]",
            f"{_WVA}a_variant_owned_by_nobody_else_is_moved_every_pass",
        ),
    ),
    Row(
        "llm-d #2310, kserve #5701",
        "Where pods reported another name of the model, nothing ever happened, and all looked well.",
        (f"{_MATRIX}[the pods report another model]", f"{_VARIANTS}other_model_name_is_named"),
    ),
    Row(
        "#1018",
        "The interval that was set did not count, and a series that vLLM renamed was never found again.",
        (
            "unit/controller/test_loops.py::test_another_interval_holds_after_the_pass_that_read_it",
            "unit/settings/test_operator.py::test_who_wins",
            "unit/domain/test_series.py::test_a_series_that_was_renamed_is_looked_for_under_each_of_its_names",
            f"{_COLLECT}each_pod_answers_under_its_own_alias",
        ),
    ),
    Row(
        "#1514",
        "The chart's ServiceMonitor could not be told the name in the server's certificate.",
        not_ours="Our metrics are plain http on the pod's port, and the PodMonitor has no certificate to check.",
    ),
    Row(
        "many",
        "An adapter for Prometheus had to be run; a replica's price left out how many accelerators it takes.",
        (
            "integration/controller/test_keda.py::test_the_number_in_force_is_told_as_it_is",
            f"{_WVA}a_profile_for_two_accelerators_is_not_priced_as_one",
        ),
        not_ours="SGLang, LoRA and batch traffic were asked for, too, and are not done: only vLLM's series are read, "
        "and adapters and batches count there like any other request of their model.",
    ),
)

OCTOBER_2025: Final = (
    Row(
        "staleness",
        "An answer's time was taken for its sample's, so that nothing was ever too old.",
        (
            f"{_DEFECTS}staleness_is_judged_by_the_samples_own_time",
            f"{_COLLECT}a_silent_pod_is_stale_with_its_own_time",
        ),
    ),
    Row(
        "conditions",
        "Bad conditions were logged and never written.",
        (
            f"{_DEFECTS}false_conditions_are_there_before_the_first_success",
            "unit/api/test_crd.py::test_status_can_be_written_in_parts",
            f"{_VARIANTS}metrics_missing_holds_and_recovers",
        ),
    ),
    Row(
        "several variants",
        "Each variant of a model was sized for all of the model's traffic.",
        (f"{_DEFECTS}two_variants_of_one_model_do_not_both_serve_all_of_it",),
    ),
    Row(
        "zero",
        "At zero the accelerator was an empty text, which the object's own schema refused.",
        (
            f"{_DEFECTS}zero_replicas_keep_their_accelerator_and_no_field_is_empty",
            "unit/status/test_schema.py::test_every_status_of_every_pass_fits",
        ),
    ),
    Row(
        "arrivals",
        "Arrivals were what ended, which an overloaded engine cannot show.",
        (f"{_DEFECTS}overload_shows_although_completions_stand_at_capacity",),
    ),
    Row(
        "short answers",
        "Mean lengths were cut to whole tokens; below one, traffic was taken for none.",
        (
            f"{_ASKED}lengths_are_never_cut_to_whole_tokens",
            f"{_DEFECTS}answers_of_less_than_a_token_on_average_are_no_silence",
        ),
    ),
    Row(
        "names",
        "Results were kept by name, and two namespaces shared one.",
        (f"{_DEFECTS}equal_names_in_two_namespaces_are_two_variants",),
    ),
    Row(
        "namespaces",
        "Series without a namespace were good enough to go on, and then not read.",
        (
            f"{_DEFECTS}series_without_a_namespace_are_validated_and_collected_alike",
            f"{_COLLECT}series_without_a_namespace_come_along",
        ),
    ),
    Row(
        "sloClassRef",
        "The class that an object named was never read.",
        (f"{_DEFECTS}the_named_service_class_counts",),
    ),
    Row(
        "globals",
        "The analyser kept what it knew where the next model found it.",
        (f"{_DEFECTS}models_do_not_disturb_each_other",),
    ),
    Row(
        "ConfigMaps",
        "One entry that could not be read stopped everybody.",
        (
            f"{_DEFECTS}one_bad_entry_stops_nobody",
            "unit/api/test_configmaps.py::test_bad_price_harms_its_accelerator_alone",
            "integration/controller/test_surroundings.py::test_bad_entry_of_wva_is_told_on_its_configmap",
        ),
    ),
    Row(
        "cost",
        "The cost in status left out how many accelerators a replica takes.",
        (f"{_DEFECTS}the_cost_counts_the_accelerators_of_a_replica",),
    ),
    Row(
        "conflicts",
        "A write that came too late was tried again with the same old object.",
        (
            "integration/cluster/test_objects.py::test_status_never_reaches_an_object_that_changed_or_was_made_anew",
            "integration/controller/test_failures.py::test_variant_that_was_edited_meanwhile_is_decided_anew",
        ),
    ),
    Row(
        "work",
        "Each object's turn went through all objects, and asked Prometheus for all of them.",
        (f"{_WVA}work_does_not_grow_with_the_square_of_the_objects", f"{_COLLECT}the_number_of_queries_is_fixed"),
    ),
)

FEBRUARY_2026: Final = (
    Row(
        "interval",
        "A pass came every thirty seconds, whatever was set.",
        (
            "unit/controller/test_loops.py"
            "::test_passes_come_at_the_interval_that_is_set_although_nothing_happens[passes succeed]",
        ),
    ),
    Row(
        "conditions",
        "OptimizationReady and actuation were set on a copy that nobody wrote.",
        (
            f"{_VARIANTS}hpa_on_the_target[by our gauge]",
            "integration/controller/test_surroundings.py::test_excluded_namespace_is_skipped",
        ),
    ),
    Row(
        "overrides",
        "Thresholds of one model were read and not used.",
        (
            f"{_DEFECTS}thresholds_of_a_model_count",
            "unit/api/test_configmaps.py::test_saturation_defaults_and_partial_override",
        ),
    ),
    Row(
        "second analyser",
        "An entry that only chose it was refused, since its defaults came after the check.",
        (
            "unit/api/test_configmaps.py::test_analyzer_without_thresholds_is_a_whole_entry",
            f"{_WVA}an_override_without_thresholds_is_whole",
        ),
    ),
    Row(
        "freshness",
        "How old data may be could be set, and counted nowhere.",
        (
            f"{_DEFECTS}staleness_is_judged_by_the_samples_own_time",
            "unit/settings/test_operator.py::test_what_decides[stale]",
        ),
    ),
    Row(
        "no decision",
        "That there were metrics and still no decision could not be told.",
        (
            f"{_DEFECTS}metrics_without_a_decision_are_possible_and_told",
            f"{_ASKED}numbers_that_decide_nothing_keep_what_runs",
        ),
    ),
    Row(
        "idle variants",
        "A variant at zero was left out, so that nothing could spill over to it, and its price was taken for nothing.",
        (
            f"{_DEFECTS}an_idle_variant_takes_what_the_others_cannot",
            f"{_WVA}an_idle_variant_may_take_over",
            f"{_ASKED}an_idle_variant_costs_what_it_costs",
        ),
    ),
    Row("limiter", "The second analyser knew no limits.", (f"{_WVA}a_quota_binds_every_analyser",)),
    Row(
        "limited mode",
        "It looked at what there was, wrote it to the log, and went on.",
        (
            f"{_DECIDE}a_quota_binds_and_is_named",
            f"{_VARIANTS}a_resource_quota_on_gpus_binds_and_is_named",
            "integration/controller/test_inventory.py::test_fleets_stay_within_the_nodes_and_say_so",
        ),
    ),
    Row(
        "exclusion",
        "A namespace that was excluded was scaled all the same.",
        (f"{_DEFECTS}an_excluded_namespace_is_left_alone_by_the_decision_itself",),
    ),
    Row(
        "no place",
        "A variant that found no node froze all variants of its model.",
        (f"{_DEFECTS}an_unschedulable_variant_freezes_nobody",),
    ),
    Row(
        "full majority",
        "Where most engines were full, only the others were asked, and the model shrank.",
        (
            f"{_DEFECTS}full_engines_are_not_outvoted_by_idle_ones",
            "unit/scaling/test_steps.py::test_the_blind_spot_is_guarded",
        ),
    ),
    Row(
        "series",
        "Series stayed when their object went or its accelerator changed, and HPAs added them up.",
        (
            "unit/controller/test_metrics.py::test_an_accelerator_that_changed_leaves_no_series_for_an_hpa_to_add_up",
            "unit/controller/test_metrics.py::test_no_series_and_no_counter_outlives_its_object",
            "integration/controller/test_surroundings.py::test_series_go_with_their_object",
        ),
    ),
    Row(
        "zero by namespace",
        "An entry for one namespace held in all of them.",
        (
            f"{_DEFECTS}the_zero_rule_of_a_namespace_counts",
            "unit/api/test_configmaps.py::test_scale_to_zero[another namespace]",
        ),
    ),
    Row(
        "pools",
        "Pools were found by name, whatever their namespace.",
        (
            f"{_WVA}equal_pools_in_two_namespaces_do_not_share_a_line",
            "unit/controller/test_inflows.py::test_whose_requests_wait",
        ),
    ),
    Row(
        "what others install",
        "Without the definitions of pools and monitors the process ended.",
        (
            "integration/controller/test_surroundings.py"
            "::test_runs_on_a_whole_cluster_where_nobody_installed_anything_else",
            "integration/cluster/test_objects.py::test_kind_that_is_not_served_has_no_objects",
        ),
    ),
    Row(
        "deletion",
        "The end of a Deployment was filtered out.",
        (f"{_VARIANTS}target_missing_made_deleted_and_made_again",),
    ),
    Row(
        "token",
        "The token for Prometheus was read once, and expired.",
        ("integration/telemetry/test_prometheus.py::test_a_token_file_is_read_again_each_minute",),
    ),
    Row(
        "hanging queries",
        "A query that failed held up every model behind it.",
        (
            "unit/telemetry/test_collect.py::test_questions_that_hang_cost_one_deadline_together",
            f"{_DECIDE}an_error_while_sizing_holds_its_model_alone",
        ),
    ),
    Row(
        "rights",
        "It might change nodes, and read every Secret and ConfigMap.",
        (
            "unit/regressions/test_rights.py::test_nobody_reads_secrets_or_changes_nodes",
            "unit/regressions/test_rights.py::test_configmaps_are_granted_by_name",
            "integration/manifests/test_rbac.py::test_every_right_is_used_and_none_is_missing",
        ),
    ),
)
