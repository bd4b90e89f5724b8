"""Columns of the AI tables: inputs, their core tables, results (docs/ai.md)."""

from typing import Final

from ccft.schema.column import Column, kg, text
from ccft.schema.units import SHARE, F, Q

COUNT: Final = "decimal(28,6)"
"""Tokens, requests, images, seconds, accelerator-hours and kWh of any grain. Quantum 1e-6."""
RATE: Final = "decimal(38,15)"
"""Intensities and rates: what one unit of service costs. Quantum 1e-15."""

DEVELOPMENT_STAGES: Final = ("data_prep", "experimentation", "pretraining", "post_training", "evaluation")
STAGES: Final = (*DEVELOPMENT_STAGES, "serving")
"""What a deployment may be declared as; the split adds the result stages below."""
SERVING_IDLE: Final = "serving_idle"
AMORTISED: Final = "amortised_training"
UNATTRIBUTED: Final = "_unattributed"
RESULT_STAGES: Final = (*STAGES, SERVING_IDLE, AMORTISED, UNATTRIBUTED)
JOB_STATES: Final = ("completed", "failed", "cancelled", "running")
ACCOUNTING_METHODS: Final = ("lbm", "mbm")
"""Never mixed: Scope 1 + Scope 2 + FERA of the method + embodied."""
LEDGER_POLICIES: Final = ("units", "time", "none")
VIEWS: Final = ("consumer", "provider", "lifecycle")

_INPUT_COLUMNS: Final = (
    text("model_id", "AI model"),
    text("family", "Family of the model"),
    text("parent_model_id", "Model that this one was derived from"),
    Column("parent_share", F, "Part of the parent's training rate that the model inherits", "1", minimum=0),
    text("version", "Version of the model"),
    Column("params_total_b", F, "Parameters", "billion", minimum=0),
    Column("params_active_b", F, "Parameters active per token", "billion", minimum=0),
    text("datatype", "Number format of the weights, e.g. `bf16`"),
    text("task", "What the model does, e.g. `text-generation`: models are compared within a task"),
    text("owner_account_id", "Account of the team that owns the model", pattern=r"[0-9]{12}"),
    Column("release_date", "date", "First day of the model"),
    Column("retire_date", "date", "First day out of service"),
    Column("expected_life_days", "int", "Days from release to expected retirement", "days", minimum=1),
    text("release_id", "Release of a model: what was trained together"),
    Column(
        "expected_lifetime_out_tokens",
        "bigint",
        "Output tokens expected from `valid_from` on, until retirement; empty = unknown",
        "tokens",
        minimum=0,
    ),
    Column("training_tokens", COUNT, "Tokens that the release was trained on", "tokens", minimum=0),
    Column("training_flop", COUNT, "Floating-point operations of the training", "PFLOP", minimum=0),
    text("part", "Part of a disclosed figure, e.g. `training`, `idle`, `embodied`, `total`"),
    Column("kg", F, "Disclosed mass", "kg", minimum=0),
    Column("kwh", COUNT, "Energy (results: of accelerators and hosts, without facility overhead)", "kWh", minimum=0),
    Column("accel_h", Q, "Disclosed accelerator-hours", "h", minimum=0),
    Column("watts", Q, "Disclosed power per accelerator", "W", minimum=0),
    text("method", "Accounting method of a disclosed figure", values=ACCOUNTING_METHODS),
    text("accel_type", "Type of accelerator"),
    Column("p_idle_kw", Q, "Power of an idle accelerator, host share included", "kW", minimum=0),
    Column(
        "p_busy_serving_kw", Q, "Power of an accelerator that serves or evaluates, host share included", "kW", minimum=0
    ),
    Column("p_busy_training_kw", Q, "Power of an accelerator that trains, host share included", "kW", minimum=0),
    Column("life_h", Q, "Service life of an accelerator", "h", minimum=0),
    Column("capacity_weight", F, "Weight of a reserved accelerator-hour in unused capacity", "1", minimum=0),
    text(
        "deployment_id",
        "Deployment: a model, or several, on accelerators; `_unattributed` for what no deployment explains",
    ),
    text("lifecycle_stage", "What the deployment does", values=STAGES),
    Column("replicas", Q, "Replicas", "replicas", minimum=0),
    Column("accel_per_replica", Q, "Accelerators per replica", "accelerators", minimum=0),
    text("tags", "Free labels, JSON text"),
    Column("hour", "timestamp", "Instant (UTC) at which the hour starts"),
    text("job_state", "How the work of the hour ended", values=JOB_STATES),
    Column("reserved_accel_h", COUNT, "Reserved accelerator-hours", "h", minimum=0),
    Column("busy_accel_h", COUNT, "Accelerator-hours at work, at most the reserved ones", "h", minimum=0),
    Column("energy_kwh", COUNT, "Metered energy of the hour: IT including hosts", "kWh", minimum=0),
    Column("requests", COUNT, "Requests", "requests", minimum=0),
    Column("in_tokens", COUNT, "Input tokens, cached ones included", "tokens", minimum=0),
    Column("cached_in_tokens", COUNT, "Input tokens read from a cache", "tokens", minimum=0),
    Column("out_tokens", COUNT, "Output tokens", "tokens", minimum=0),
    Column("images_in", COUNT, "Images read", "images", minimum=0),
    Column("images_out", COUNT, "Images made", "images", minimum=0),
    Column("audio_s", COUNT, "Seconds of audio", "s", minimum=0),
    text("benchmark", "Benchmark of model quality"),
    text("metric", "Metric of the benchmark"),
    Column("score", F, "Score of the model", "see metric"),
    Column("higher_is_better", "boolean", "Whether a higher score is better"),
    Column("latency_p50_ms", Q, "Median latency of a request", "ms", minimum=0),
    Column("as_of", "date", "Day of the score"),
)

_CORE_COLUMNS: Final = (
    Column("pue", F, "Power usage effectiveness: facility energy per IT energy", "1", minimum=1),
    Column("metered_reserved_h", COUNT, "Reserved accelerator-hours of hours with metered energy", "h"),
    Column("metered_busy_h", COUNT, "Busy accelerator-hours of hours with metered energy", "h"),
    Column("metered_kwh", COUNT, "Energy of the metered hours", "kWh"),
    # Power x hours has 12 decimals; cut to 6, idle energy of a short month would be some 1e-7 off.
    Column(
        "metered_idle_kwh",
        "decimal(28,12)",
        "Of it idle: per hour at most idle power x idle accelerator-hours; exact",
        "kWh",
    ),
    Column("active_days", "int", "Days with accelerator-hours", "days"),
    Column("clipped_hours", "bigint", "Hours with more busy than reserved accelerator-hours, clipped", "rows"),
)

_RESULT_COLUMNS: Final = (
    text("stage", "Stage of the lifecycle", values=RESULT_STAGES),
    kg("min_kg", "Emissions at the lower end of the tier's uncertainty band"),
    kg("max_kg", "Emissions at the upper end of the tier's uncertainty band"),
    Column("tier", "int", "Worst evidence used: 1 metered energy, 2 power curve, 3 tokens and model size, 4 nothing"),
    Column("is_memo", "boolean", "Memo row: repeats emissions of other months, not part of the inventory"),
    Column("idle_kwh", COUNT, "Energy of reserved accelerators without a request", "kWh"),
    Column("facility_kwh", COUNT, "kwh x PUE", "kWh"),
    Column("reserved_h", COUNT, "Reserved accelerator-hours", "h"),
    Column("busy_h", COUNT, "Busy accelerator-hours", "h"),
    Column("failed_h", COUNT, "Reserved accelerator-hours of failed jobs", "h"),
    Column("cancelled_h", COUNT, "Reserved accelerator-hours of cancelled jobs", "h"),
    Column("tokens", COUNT, "Input and output tokens", "tokens"),
    Column("customers", "bigint", "Accounts that bear a part of it", "accounts"),
    Column("coverage", SHARE, "Part of the account rows that accelerator-hours or tokens explain", "1"),
    text("accounting_method", "Method of Scope 2 and FERA; the two are never mixed", values=ACCOUNTING_METHODS),
    text("policy", "How training is amortised", values=LEDGER_POLICIES),
    kg("opening_kg", "Balance at the month's start"),
    kg("added_kg", "Training of the month"),
    kg("amortised_kg", "Amortised over the month's tokens or days"),
    kg("written_off_kg", "Written off in the month of retirement"),
    kg("closing_kg", "Balance at the month's end"),
    Column("remaining_out_tokens", COUNT, "Output tokens still expected at the month's start", "tokens"),
    Column("remaining_days", "int", "Days still expected at the month's start", "days"),
    Column("rate_g_per_1k_out_tokens", RATE, "Amortised per 1,000 output tokens of the release itself", "g CO2e"),
    Column("inherited_g_per_1k_out_tokens", RATE, "Inherited from parents per 1,000 output tokens", "g CO2e"),
    text("view", "What an intensity covers; views are never blended", values=VIEWS),
    text("subject_kind", "What is compared", values=("deployment", "model", "vendor")),
    text("subject_id", "Deployment, model, or vendor (the account that owns the models)"),
    text("measures", "Measures that the emissions hold, comma separated: a version without Scope 3 says so"),
    Column("images", COUNT, "Images, read or made", "images"),
    Column("busy_ratio", SHARE, "Busy accelerator-hours in the reserved ones", "1"),
    Column(
        "experimentation_share", SHARE, "Experiments, failed and cancelled work in the emissions of development", "1"
    ),
    Column("g_per_1k_out_tokens", RATE, "Emissions per 1,000 output tokens", "g CO2e"),
    Column("wh_per_1k_out_tokens", RATE, "Facility energy per 1,000 output tokens", "Wh"),
    Column("g_per_1k_tokens", RATE, "Emissions per 1,000 tokens", "g CO2e"),
    Column("wh_per_1k_tokens", RATE, "Facility energy per 1,000 tokens", "Wh"),
    Column("g_per_request", RATE, "Emissions per request", "g CO2e"),
    Column("wh_per_request", RATE, "Facility energy per request", "Wh"),
    Column("g_per_image", RATE, "Emissions per image, read or made", "g CO2e"),
    Column("wh_per_image", RATE, "Facility energy per image, read or made", "Wh"),
    Column("g_per_audio_s", RATE, "Emissions per second of audio", "g CO2e"),
    Column("wh_per_audio_s", RATE, "Facility energy per second of audio", "Wh"),
    Column("kwh_per_million_tokens", RATE, "Facility energy per million tokens", "kWh"),
    Column("tokens_per_kg", RATE, "Tokens per kg CO2e", "tokens"),
    Column("g_per_training_pflop", RATE, "Development emissions per 1e15 floating-point operations", "g CO2e"),
    Column("g_per_1k_training_tokens", RATE, "Development emissions per 1,000 training tokens", "g CO2e"),
    Column("kg_per_b_params", RATE, "Development emissions per billion parameters", "kg CO2e per billion"),
    Column("idle_share", SHARE, "serving_idle / in_use of serving deployments", "1"),
    Column("metered_share", SHARE, "Part of the energy that was metered", "1"),
    Column("is_provider_only", "boolean", "Fewer than three customers: not for customers' eyes"),
    text("label_kind", "What is graded", values=("energy", "carbon", "stars_equal_width", "stars_quantile")),
    text("grade", "Grade A to G, or 1 to 5 stars; empty when not rated"),
    Column("is_rated", "boolean", "Whether the rules for a rating are met"),
    text("not_rated_because", "Which rule is not met"),
    Column("graded_value", RATE, "Figure that was graded", "see label_kind"),
    Column("in_out_ratio", RATE, "Input tokens per output token; above 10 is outside the label's scope", "1"),
    text("thresholds_version", "Version of the grade bounds"),
    Column("peers", "int", "Measured models of the task that stars are given among", "models"),
    text("axes", "Axes that all candidates of the task have, comma separated"),
    Column(
        "is_efficient",
        "boolean",
        "On the frontier: no other candidate is at least as good in all axes and better in one",
    ),
    text("dominated_by", "A model that dominates this one"),
    Column("intensity_g_per_1k_out_tokens", RATE, "Consumer view, location-based", "g CO2e"),
    text("action", "Recommended action"),
    Column("action_rank", "int", "Order in which actions apply: each is computed after those before"),
    kg("saving_kg", "Emissions that the action avoids in a month like this one"),
    kg("saving_min_kg", "Lower end: lower end of the uncertainty band, no accelerator given back"),
    kg("saving_max_kg", "Upper end: upper end of the band, all freed accelerators given back"),
    text("action_variant", "Form that the action takes, e.g. `scale_to_zero`"),
    text("needs", "Data that the action's saving needs and no table holds yet; empty where it was computed"),
    Column("saving_kwh", COUNT, "Facility energy that the action avoids in a month like this one", "kWh"),
    text("formula", "Formula of the saving"),
    text("formula_inputs", "Inputs of the formula, JSON"),
    text("preconditions", "What must hold, JSON list"),
    text("conflicts", "Actions that it excludes, JSON list"),
    text("base_run_id", "Run whose account rows were split"),
)

AI_COLUMNS: Final = (*_INPUT_COLUMNS, *_CORE_COLUMNS, *_RESULT_COLUMNS)
