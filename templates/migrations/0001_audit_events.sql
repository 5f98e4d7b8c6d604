-- Audit events, one partition a month. The partitions themselves are made by partitions.psql, which runs at the
-- end of every migration Job and in the upkeep CronJob, so that they always start at the day of the run.

CREATE TABLE IF NOT EXISTS audit_events (
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    event_version varchar(10) NOT NULL DEFAULT '1.0',
    event_timestamp timestamptz NOT NULL DEFAULT now(),
    -- A row is routed to its partition before any trigger sees it, so the key needs a default of its own.
    event_date date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    event_type varchar(100) NOT NULL,
    event_category varchar(50) NOT NULL,
    event_action varchar(50) NOT NULL,
    event_outcome varchar(20) NOT NULL,
    actor_type varchar(50),
    actor_id varchar(255),
    actor_ip inet,
    resource_type varchar(100),
    resource_id varchar(255),
    resource_name varchar(255),
    correlation_id varchar(255) NOT NULL,
    parent_event_id uuid,
    parent_event_date date,
    trace_id varchar(255),
    span_id varchar(255),
    namespace varchar(253),
    cluster_name varchar(255),
    event_data jsonb NOT NULL DEFAULT '{}',
    event_metadata jsonb,
    severity varchar(20),
    duration_ms integer,
    error_code varchar(50),
    error_message text,
    retention_days integer NOT NULL DEFAULT 2555,
    is_sensitive boolean NOT NULL DEFAULT false,
    PRIMARY KEY (event_id, event_date)
) PARTITION BY RANGE (event_date);

CREATE INDEX IF NOT EXISTS audit_events_timestamp_idx ON audit_events (event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_correlation_idx ON audit_events (correlation_id, event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_type_idx ON audit_events (event_type, event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_resource_idx ON audit_events (resource_type, resource_id, event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_actor_idx ON audit_events (actor_type, actor_id, event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_outcome_idx ON audit_events (event_outcome, event_timestamp DESC);
CREATE INDEX IF NOT EXISTS audit_events_date_idx ON audit_events (event_date);
CREATE INDEX IF NOT EXISTS audit_events_data_idx ON audit_events USING gin (event_data);

CREATE OR REPLACE FUNCTION audit_events_set_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.event_date := (NEW.event_timestamp AT TIME ZONE 'UTC')::date;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS audit_events_set_date ON audit_events;
CREATE TRIGGER audit_events_set_date
    BEFORE INSERT ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_set_date();
